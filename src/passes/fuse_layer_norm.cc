#include "passes/fuse_layer_norm.h"

#include <algorithm>
#include <utility>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/match_norm.h"

namespace hone {
namespace {

bool contains(const std::vector<int64_t>& axes, size_t axis) {
  return std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != axes.end();
}

// Whether behind the first of the (sorted) axes only dimensions of size 1 are left out.
bool are_last(const std::vector<int64_t>& axes, const Shape& shape) {
  for (auto i = static_cast<size_t>(axes.front()); i < shape.size(); ++i) {
    if (!contains(axes, i) && shape[i] != Dim(1)) return false;
  }
  return true;
}

// Whether an operand has one element for each element of a row, in the same order.
bool is_row(const Value* operand, const Shape& data, size_t first) {
  const Shape& shape = operand->shape();
  if (operand->dtype() != DataType::f32 || shape.size() > data.size()) return false;
  const size_t missing = data.size() - shape.size();
  for (size_t i = 0; i < data.size(); ++i) {
    const Dim dim = i < missing ? Dim(1) : shape[i - missing];
    if (dim != (i < first ? Dim(1) : data[i])) return false;
  }
  return true;
}

std::vector<std::string> sources_of(const std::vector<const Node*>& nodes) {
  std::vector<std::string> sources;
  // From the root up, so the reverse is roughly the order of execution.
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    for (const std::string& source : (*node)->sources()) {
      if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
        sources.push_back(source);
      }
    }
  }
  return sources;
}

size_t first_axis(const Node* norm) {
  const size_t rank = norm->output()->shape().size();
  size_t first = rank;
  for (int64_t axis : norm->attr<NormalizationAttributes>().axes) {
    first = std::min(first, static_cast<size_t>(positive_axis(axis, rank)));
  }
  return first;
}

// Puts the operator in the place of `root`; scale and bias that are no rows stay outside, and a
// bias without a scale, which absorb() looks at.
Status replace(Graph& graph, Node* root, const NormMatch& match) {
  const Shape& shape = match.data->shape();
  const auto rank = static_cast<int64_t>(shape.size());
  NormalizationAttributes attributes{{}, match.epsilon};
  for (int64_t axis : match.axes) attributes.axes.push_back(axis - rank);
  const char* name = match.centred ? "LayerNormalization" : "RMSNormalization";
  const auto first = static_cast<size_t>(match.axes.front());
  std::vector<Value*> inputs = {match.data};
  std::vector<std::pair<const char*, Value*>> outside;
  if (match.scale && filled_value(match.scale) != 1.0) {
    if (is_row(match.scale, shape, first)) {
      inputs.push_back(match.scale);
    } else {
      outside.emplace_back("Mul", match.scale);
    }
  }
  if (match.bias && filled_value(match.bias) != 0.0) {
    if (inputs.size() == 2 && is_row(match.bias, shape, first)) {
      inputs.push_back(match.bias);
    } else {
      outside.emplace_back("Add", match.bias);
    }
  }
  auto sources = sources_of(match.nodes);
  if (outside.empty()) {
    return replace_node(graph, root, name, attributes, std::move(inputs), std::move(sources))
        .status();
  }
  const NodeOptions options{.name = root->name() + "/norm", .sources = sources, .before = root};
  HONE_ASSIGN_OR_RETURN(Value * value, graph.add(name, attributes, std::move(inputs), options));
  for (; outside.size() > 1; outside.erase(outside.begin())) {
    HONE_ASSIGN_OR_RETURN(
        value, graph.add(outside.front().first, {}, {value, outside.front().second}, options));
  }
  return replace_node(graph, root, outside.front().first, {}, {value, outside.front().second})
      .status();
}

bool is_normalization(const Node* node) {
  return (node->is("LayerNormalization") || node->is("RMSNormalization")) &&
         node->epilogue().empty() && node->output()->dtype() == DataType::f32;
}

bool is_used(const Node* node) {
  return !node->output()->uses().empty() || node->output()->is_graph_output();
}

// --- Between two Reshapes.

// The number of last dimensions of `shape` that hold `row` elements; 0 if there is none.
size_t last_dims_of(const Shape& shape, const Dim& row) {
  Dim product(1);
  for (size_t i = shape.size(); i-- > 0;) {
    product = product * shape[i];
    if (product == row) return shape.size() - i;
  }
  return 0;
}

bool only_reshapes(const Node* node) {
  return node->epilogue().empty() &&
         (node->is("Reshape") || node->is("Squeeze") || node->is("Unsqueeze"));
}

// Reshape, normalization, Reshape back: normalization of the last axes above the first.
Result<bool> lift_above_reshape(Graph& graph, Node* norm) {
  const Node* above = norm->input(0)->producer();
  if (norm->inputs().size() != 1 || !above || !only_reshapes(above)) return false;
  Value* origin = above->input(0);
  const Shape& inside = norm->output()->shape();
  const size_t first = first_axis(norm);
  const Dim row = num_elements(Shape(inside.begin() + static_cast<int64_t>(first), inside.end()));
  const size_t count = last_dims_of(origin->shape(), row);
  if (count == 0 || norm->output()->is_graph_output()) return false;
  const std::vector<Use> uses = norm->output()->uses();
  const bool back = std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
    return only_reshapes(use.node) && use.index == 0 &&
           use.node->output()->shape() == origin->shape();
  });
  if (!back) return false;
  NormalizationAttributes attributes = norm->attr<NormalizationAttributes>();
  attributes.axes.clear();
  for (size_t i = count; i > 0; --i) attributes.axes.push_back(-static_cast<int64_t>(i));
  HONE_RETURN_IF_ERROR(rewrite(graph, norm, attributes, {origin}));
  for (const Use& use : uses) bypass(graph, use.node, norm->output());
  return true;
}

// --- Scale and bias behind the operator.

// The operand beside `value` of a commutative node with two.
Value* other_operand(const Node* node, const Value* value) {
  return node->input(node->input(0) == value ? 1 : 0);
}

// Takes a product or sum with a row behind `norm` in.
Result<bool> absorb(Graph& graph, Node* norm) {
  const Shape& shape = norm->output()->shape();
  const size_t first = first_axis(norm), inputs = norm->inputs().size();
  Node* user = inputs == 1 ? single_user(norm->output(), "Mul") : nullptr;
  const bool bias = !user && inputs < 3 && norm->is("LayerNormalization");
  if (bias) user = single_user(norm->output(), "Add");
  if (!user || !user->epilogue().empty()) return false;
  Value* operand = other_operand(user, norm->output());
  if (!is_row(operand, shape, first) || user->output()->shape() != shape) return false;
  std::vector<Value*> all = norm->inputs();
  if (bias && inputs == 1) {
    const auto row = to_static(operand->shape());
    if (!row) return false;
    const Tensor ones = Tensor::from<float>(
        *row,
        std::vector<float>(static_cast<size_t>(num_elements(operand->shape()).value()), 1.0f));
    all.push_back(graph.add_constant(norm->name() + "/ones", ones));
  }
  all.push_back(operand);
  HONE_RETURN_IF_ERROR(rewrite(graph, norm, norm->attributes(), std::move(all)));
  take_over(graph, norm, user);
  return true;
}

}  // namespace

Result<bool> fuse_layer_norm(Graph& graph) {
  bool changed = false;
  const std::vector<Node*> nodes = graph.nodes();
  // From the end: a pattern is met at its root. What it consists of is dead then, or used by
  // others.
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if ((*node)->outputs().size() != 1 || !is_used(*node)) continue;
    const auto match = match_norm(*node);
    if (!match || !are_last(match->axes, match->data->shape())) continue;
    HONE_RETURN_IF_ERROR(replace(graph, *node, *match));
    changed = true;
  }
  if (changed) graph.remove_dead();
  bool moved = false;
  std::vector<Node*> norms = graph.nodes();
  // The others may go below.
  std::erase_if(norms, [](const Node* node) { return !is_normalization(node); });
  for (Node* norm : norms) {
    while (true) {
      HONE_ASSIGN_OR_RETURN(bool again, lift_above_reshape(graph, norm));
      if (!again) {
        HONE_ASSIGN_OR_RETURN(again, absorb(graph, norm));
      }
      if (!again) break;
      moved = true;
    }
  }
  if (!moved) return changed;
  HONE_RETURN_IF_ERROR(graph.sort());
  graph.remove_dead();
  return true;
}

}  // namespace hone

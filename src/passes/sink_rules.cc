#include "passes/sink_rules.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

using Perm = std::vector<int64_t>;

// --- Values above the Transpose.

Node* transpose_above(const Value* value, const Perm& perm) {
  Node* node = producer(value, "Transpose");
  return node && permutation_of(node) == perm ? node : nullptr;
}

// Whether `value` can be had as it is above the Transpose. `broadcast`: it may have fewer
// dimensions.
bool can_lift(const Value* value, const Perm& perm, bool broadcast) {
  const Shape& shape = value->shape();
  if (shape.size() > perm.size() || (!broadcast && shape.size() != perm.size())) return false;
  if (transpose_above(value, perm) || value->is_constant() || is_single(shape)) return true;
  return shape.size() == perm.size() && keeps_order(shape, inverse_of(perm));
}

// REQUIRES: can_lift.
Result<Value*> lift(Graph& graph, Value* value, const Perm& perm, Node* node) {
  if (const Node* transpose = transpose_above(value, perm)) return transpose->input(0);
  if (is_single(value->shape())) return value;
  const Perm inverse = inverse_of(perm);
  if (!value->is_constant()) {
    NodeOptions options{.name = value->name() + "/transpose", .before = node};
    if (value->producer()) options.sources = value->producer()->sources();
    return graph.add("Transpose", TransposeAttributes{inverse}, {value}, std::move(options));
  }
  std::vector<int64_t> shape = value->constant()->shape();
  shape.insert(shape.begin(), perm.size() - shape.size(), 1);
  HONE_ASSIGN_OR_RETURN(Tensor moved, transposed(value->constant()->reshaped(shape), inverse));
  return graph.add_constant(value->name(), std::move(moved), value->source());
}

// --- Axes. Dimension i below is dimension perm[i] above.

int64_t above(int64_t axis, const Perm& perm) { return perm[positive_axis(axis, perm.size())]; }

Perm above(const std::vector<int64_t>& axes, const Perm& perm) {
  Perm result;
  for (int64_t axis : axes) result.push_back(above(axis, perm));
  return result;
}

// The Transpose that is left when dimensions (numbers below) vanish.
Perm without(const Perm& perm, const std::vector<int64_t>& axes) {
  std::vector<bool> gone(perm.size(), false);
  for (int64_t axis : axes) gone[positive_axis(axis, perm.size())] = true;
  Perm kept;
  for (size_t i = 0; i < perm.size(); ++i) {
    if (!gone[i]) kept.push_back(perm[i]);
  }
  Perm result;
  for (int64_t axis : kept) {
    result.push_back(std::count_if(kept.begin(), kept.end(), [axis](auto k) { return k < axis; }));
  }
  return result;
}

// --- One rule for each kind of operator.

using Rule = Result<std::optional<Sunk>> (*)(Graph&, Node*, const Perm&);

Result<std::optional<Sunk>> lift_all(Graph& graph, Node* node, const Perm& perm, bool broadcast) {
  for (const Value* input : node->inputs()) {
    if (!input || !can_lift(input, perm, broadcast)) return std::optional<Sunk>();
  }
  Sunk sunk{node->attributes(), {}, perm};
  for (Value* input : node->inputs()) {
    HONE_ASSIGN_OR_RETURN(Value * lifted, lift(graph, input, perm, node));
    sunk.inputs.push_back(lifted);
  }
  return std::optional(std::move(sunk));
}

bool has_full_transpose(const Node* node, const Perm& perm) {
  return std::any_of(node->inputs().begin(), node->inputs().end(), [&](const Value* input) {
    return input && transpose_above(input, perm) && input->shape() == node->output()->shape();
  });
}

// One input at least must be as large as the result; else the Transpose would have more to move.
// Unless a user has the same Transpose at another input, where both will sink as one: gamma times
// 1/sigma, of a layer norm with channels first.
Result<std::optional<Sunk>> sink_pointwise(Graph& graph, Node* node, const Perm& perm) {
  const std::vector<Use>& uses = node->output()->uses();
  const bool pays =
      has_full_transpose(node, perm) || std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
        return use.node->op().pointwise && has_full_transpose(use.node, perm);
      });
  if (!pays) return std::optional<Sunk>();
  return lift_all(graph, node, perm, true);
}

Result<std::optional<Sunk>> sink_concat(Graph& graph, Node* node, const Perm& perm) {
  HONE_ASSIGN_OR_RETURN(auto sunk, lift_all(graph, node, perm, false));
  // A single element needs no Transpose elsewhere, and has the same shape in any order here too.
  if (sunk) sunk->attributes = ConcatAttributes{above(node->attr<ConcatAttributes>().axis, perm)};
  return sunk;
}

// The data above; the other inputs and the attributes as they are.
Sunk sink_data(const Node* node, const Perm& perm) {
  Sunk sunk{node->attributes(), node->inputs(), perm};
  sunk.inputs[0] = node->input(0)->producer()->input(0);
  return sunk;
}

Result<std::optional<Sunk>> sink_unary(Graph&, Node* node, const Perm& perm) {
  return std::optional(sink_data(node, perm));
}

Result<std::optional<Sunk>> sink_split(Graph&, Node* node, const Perm& perm) {
  Sunk sunk = sink_data(node, perm);
  int64_t& axis = sunk.attributes.get<SplitAttributes>().axis;
  axis = above(axis, perm);
  return std::optional(std::move(sunk));
}

Result<std::optional<Sunk>> sink_softmax(Graph&, Node* node, const Perm& perm) {
  Sunk sunk = sink_data(node, perm);
  int64_t& axis = sunk.attributes.get<SoftmaxAttributes>().axis;
  axis = above(axis, perm);
  return std::optional(std::move(sunk));
}

Result<std::optional<Sunk>> sink_reduce(Graph&, Node* node, const Perm& perm) {
  Sunk sunk = sink_data(node, perm);
  auto& attributes = sunk.attributes.get<ReduceAttributes>();
  std::vector<int64_t> axes = attributes.axes;
  if (axes.empty()) {
    axes.resize(perm.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  attributes.axes = above(axes, perm);
  std::sort(attributes.axes.begin(), attributes.axes.end());
  if (!attributes.keepdims) sunk.perm = without(perm, axes);
  return std::optional(std::move(sunk));
}

// Scale and bias come along, as they broadcast to the data.
Result<std::optional<Sunk>> sink_normalization(Graph& graph, Node* node, const Perm& perm) {
  HONE_ASSIGN_OR_RETURN(auto sunk, lift_all(graph, node, perm, true));
  if (!sunk) return sunk;
  auto& attributes = sunk->attributes.get<NormalizationAttributes>();
  attributes.axes = above(attributes.axes, perm);
  std::sort(attributes.axes.begin(), attributes.axes.end());
  return sunk;
}

Result<std::optional<Sunk>> sink_arg(Graph&, Node* node, const Perm& perm) {
  Sunk sunk = sink_data(node, perm);
  auto& attributes = sunk.attributes.get<ArgAttributes>();
  if (!attributes.keepdims) sunk.perm = without(perm, {attributes.axis});
  attributes.axis = above(attributes.axis, perm);
  return std::optional(std::move(sunk));
}

Result<std::optional<Sunk>> sink_pad(Graph& graph, Node* node, const Perm& perm) {
  const auto below = constant_as_int64s(node->input(1));
  const size_t rank = perm.size();
  if (!below || below->size() != 2 * rank) return std::optional<Sunk>();
  std::vector<int64_t> pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    pads[perm[i]] = (*below)[i];
    pads[perm[i] + rank] = (*below)[i + rank];
  }
  Sunk sunk = sink_data(node, perm);
  sunk.inputs[1] = graph.add_constant(node->input(1)->name(), int64_vector(pads));
  return std::optional(std::move(sunk));
}

Result<std::optional<Sunk>> sink_slice(Graph& graph, Node* node, const Perm& perm) {
  std::vector<int64_t> axes;
  if (node->input(3)) {
    const auto constant = constant_as_int64s(node->input(3));
    if (!constant) return std::optional<Sunk>();
    axes = *constant;
  } else {
    const Dim count = num_elements(node->input(1)->shape());
    axes.resize(count.value());  // inference took it
    std::iota(axes.begin(), axes.end(), 0);
  }
  Sunk sunk = sink_data(node, perm);
  if (sunk.inputs.size() < 4) sunk.inputs.resize(4);
  sunk.inputs[3] = graph.add_constant(node->name() + "/axes", int64_vector(above(axes, perm)));
  return std::optional(std::move(sunk));
}

Result<std::optional<Sunk>> sink_squeeze(Graph&, Node* node, const Perm& perm) {
  std::vector<int64_t> axes = node->attr<AxesAttributes>().axes;
  const Shape& shape = node->input(0)->shape();
  for (size_t i = 0; axes.empty() && i < shape.size(); ++i) {
    if (shape[i] == Dim(1)) axes.push_back(static_cast<int64_t>(i));
  }
  if (axes.empty()) return std::optional<Sunk>();
  Sunk sunk = sink_data(node, perm);
  sunk.attributes = AxesAttributes{above(axes, perm)};
  sunk.perm = without(perm, axes);
  return std::optional(std::move(sunk));
}

// The new dimensions are in the same places above and below.
Result<std::optional<Sunk>> sink_unsqueeze(Graph&, Node* node, const Perm& perm) {
  const std::vector<int64_t>& axes = node->attr<AxesAttributes>().axes;
  const size_t rank = perm.size() + axes.size();
  std::vector<bool> is_new(rank, false);
  for (int64_t axis : axes) is_new[positive_axis(axis, rank)] = true;
  std::vector<int64_t> old;  // places of the old dimensions
  for (size_t i = 0; i < rank; ++i) {
    if (!is_new[i]) old.push_back(static_cast<int64_t>(i));
  }
  Sunk sunk = sink_data(node, perm);
  sunk.perm.clear();
  for (size_t i = 0, next = 0; i < rank; ++i) {
    sunk.perm.push_back(is_new[i] ? static_cast<int64_t>(i) : old[perm[next++]]);
  }
  return std::optional(std::move(sunk));
}

struct NamedRule {
  std::string_view name;
  Rule rule;
};

constexpr NamedRule kRules[] = {
    {"ArgMax", sink_arg},      {"ArgMin", sink_arg},          {"Cast", sink_unary},
    {"Concat", sink_concat},   {"Identity", sink_unary},      {"LogSoftmax", sink_softmax},
    {"Pad", sink_pad},         {"Pointwise", sink_pointwise}, {"Reshape", sink_reshape},
    {"Slice", sink_slice},     {"Softmax", sink_softmax},     {"Split", sink_split},
    {"Squeeze", sink_squeeze}, {"Unsqueeze", sink_unsqueeze},
};

Rule rule_for(const Node* node) {
  if (node->op().pointwise) return sink_pointwise;
  if (node->attributes().is<ReduceAttributes>()) return sink_reduce;
  if (node->attributes().is<NormalizationAttributes>()) return sink_normalization;
  for (const NamedRule& entry : kRules) {
    if (node->is(entry.name)) return entry.rule;
  }
  return nullptr;
}

}  // namespace

Result<std::optional<Sunk>> sink_rule(Graph& graph, Node* node, const std::vector<int64_t>& perm) {
  const Rule rule = node->epilogue().empty() ? rule_for(node) : nullptr;
  if (!rule) return std::optional<Sunk>();
  const bool any_input = rule == sink_pointwise || rule == sink_concat;
  if (!any_input && !transpose_above(node->input(0), perm)) return std::optional<Sunk>();
  return rule(graph, node, perm);
}

bool keeps_order(const Shape& input, const std::vector<int64_t>& perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (input[axis] == Dim(1)) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace hone

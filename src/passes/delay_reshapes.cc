#include "passes/delay_reshapes.h"

#include <algorithm>
#include <optional>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/pointwise_body.h"
#include "passes/reshape_to.h"

namespace hone {
namespace {

bool takes_epilogue(const Node* node) {
  return (node->is("Conv") || node->is("ConvTranspose") || node->is("MatMul")) &&
         node->output()->dtype() == DataType::f32;
}

// The data below a Reshape that leaves the last dimension as it is; null for anything else.
Value* data_of_rows(const Value* value) {
  const Node* reshape = producer(value, "Reshape");
  if (!reshape || !reshape->epilogue().empty()) return nullptr;
  Value* data = reshape->input(0);
  const Shape &from = data->shape(), &to = value->shape();
  return from.size() >= 2 && to.size() >= 2 && from.back() == to.back() ? data : nullptr;
}

// Sets `product` to the MatMul of the data as it lies; nothing if `node` is not of that kind.
Result<Node*> multiply_in_place(Graph& graph, Node* node) {
  if (!node->is("MatMul") || !node->epilogue().empty()) return node;
  if (node->attr<MatMulAttributes>().transpose_a) return node;
  if (node->input(1)->shape().size() != 2) return node;
  Value* data = data_of_rows(node->input(0));
  if (!data) return node;
  NodeOptions options{.name = node->name(), .sources = node->sources(), .before = node};
  HONE_ASSIGN_OR_RETURN(Node * product, graph.add_node("MatMul", node->attributes(),
                                                       {data, node->input(1)}, std::move(options)));
  HONE_ASSIGN_OR_RETURN(const bool done, become_reshape(graph, node, product->output()));
  if (!done) graph.erase(product);
  return done ? product : node;
}

// Where the elements of an operand beside one of shape `below` are those of one beside `above`,
// which has the same elements in the same order.
enum class Operand { kSingle, kPerChannel, kFull, kOther };

// A constant with one value per channel above: all of the last dimensions below that make it up.
bool is_per_channel_above(const Value* value, const Shape& below, const Shape& above) {
  if (!value->is_constant()) return false;
  Shape shape = value->shape();
  while (shape.size() > 1 && shape[0] == Dim(1)) shape.erase(shape.begin());
  return shape.size() <= below.size() && num_elements(shape) == above.back() &&
         std::equal(shape.rbegin(), shape.rend(), below.rbegin());
}

Operand kind_of(const Value* value, const Shape& below, const Shape& above) {
  const Shape& shape = value->shape();
  if (is_single(shape)) return shape.size() <= above.size() ? Operand::kSingle : Operand::kOther;
  if (is_per_channel_above(value, below, above)) return Operand::kPerChannel;
  if (shape == below && !value->is_constant() && express_target(shape, above)) {
    return Operand::kFull;
  }
  return Operand::kOther;
}

// REQUIRES: kind_of() is not kOther. Null if there is no way to say it.
Result<Value*> lift(Graph& graph, Value* value, const Shape& below, const Shape& above,
                    Node* before) {
  const Operand kind = kind_of(value, below, above);
  if (kind == Operand::kSingle || (kind == Operand::kPerChannel && value->shape().size() == 1)) {
    return value;
  }
  if (kind == Operand::kPerChannel) {
    const Tensor& tensor = *value->constant();
    return graph.add_constant(value->name(), tensor.reshaped({tensor.num_elements()}),
                              value->source());
  }
  const Node* reshape = producer(value, "Reshape");
  if (reshape && reshape->input(0)->shape() == above) return reshape->input(0);
  NodeOptions options{.name = value->name() + "/rows", .before = before};
  return reshape_to(graph, value, above, std::move(options));
}

// The one node that reads `value`, however often; null if there are others.
Node* only_reader(const Value* value) {
  const auto& uses = value->uses();
  if (uses.empty() || value->is_graph_output()) return nullptr;
  Node* reader = uses[0].node;
  const bool only = std::all_of(uses.begin(), uses.end(),
                                [reader](const Use& use) { return use.node == reader; });
  return only ? reader : nullptr;
}

// The pointwise reader of `reshape`, computed above it; null if that cannot be.
Result<Node*> exchange(Graph& graph, Node* reshape) {
  Value *below = reshape->output(), *above = reshape->input(0);
  Node* user = only_reader(below);
  if (!user || !pointwise_body(user) || user->output()->shape() != below->shape()) {
    return static_cast<Node*>(nullptr);
  }
  for (const Value* input : user->inputs()) {
    if (input != below && kind_of(input, below->shape(), above->shape()) == Operand::kOther) {
      return static_cast<Node*>(nullptr);
    }
  }
  std::vector<Value*> inputs;
  for (Value* input : user->inputs()) {
    Value* lifted = above;
    if (input != below) {
      HONE_ASSIGN_OR_RETURN(lifted, lift(graph, input, below->shape(), above->shape(), user));
    }
    if (!lifted) return static_cast<Node*>(nullptr);
    inputs.push_back(lifted);
  }
  NodeOptions options{.name = user->name(), .sources = user->sources(), .before = user};
  HONE_ASSIGN_OR_RETURN(Node * moved, graph.add_node(user->op(), user->attributes(),
                                                     std::move(inputs), std::move(options)));
  HONE_ASSIGN_OR_RETURN(const bool done, become_reshape(graph, user, moved->output()));
  if (!done) graph.erase(moved);
  return done ? moved : nullptr;
}

// Brings what is behind `root` next to it.
Result<bool> gather_epilogue(Graph& graph, Node* root) {
  bool changed = false;
  Value* value = root->output();
  while (Node* user = only_reader(value)) {
    if (user->is("Reshape") && user->input(0) == value) {
      HONE_ASSIGN_OR_RETURN(const Node* moved, exchange(graph, user));
      if (!moved) break;
      if (user->output()->uses().empty()) graph.erase(user);
      changed = true;
      value = moved->output();
    } else if (pointwise_body(user) && user->output()->shape() == value->shape()) {
      value = user->output();
    } else {
      break;
    }
  }
  return changed;
}

// A Reshape behind the one that `product` left becomes one of the product itself.
Status join_reshapes(Graph& graph, Node* product) {
  for (const Use& use : std::vector<Use>(product->output()->uses())) {
    if (!use.node->is("Reshape")) continue;
    for (const Use& second : std::vector<Use>(use.node->output()->uses())) {
      if (!second.node->is("Reshape") || second.index != 0) continue;
      HONE_RETURN_IF_ERROR(become_reshape(graph, second.node, product->output()).status());
    }
    const Value* left = use.node->output();
    if (left->uses().empty() && !left->is_graph_output()) graph.erase(use.node);
  }
  return ok();
}

}  // namespace

Result<bool> delay_reshapes(Graph& graph) {
  bool changed = false;
  std::vector<Node*> roots = graph.nodes();
  // The second step erases none of them but the one in hand.
  std::erase_if(roots, [](const Node* node) { return !takes_epilogue(node); });
  for (Node* root : roots) {
    HONE_ASSIGN_OR_RETURN(Node * product, multiply_in_place(graph, root));
    if (product != root) {
      changed = true;
      HONE_RETURN_IF_ERROR(join_reshapes(graph, product));
    }
    HONE_ASSIGN_OR_RETURN(const bool gathered, gather_epilogue(graph, product));
    changed = changed || gathered;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

#include "passes/lower_reshapes.h"

#include "ops/ops.h"
#include "ops/reshape_groups.h"
#include "passes/edit.h"
#include "passes/fuse_epilogue.h"
#include "passes/pointwise_body.h"
#include "passes/reshape_to.h"

namespace hone {
namespace {

bool is_reshape(const Node* node) {
  return node && (node->is("Reshape") || node->is("Squeeze") || node->is("Unsqueeze")) &&
         node->epilogue().empty();
}

// The Reshape behind a MatMul or Conv that nobody but `node` reads, and that decides its shape.
Node* movable_reshape(const Node* node) {
  for (const Value* input : node->inputs()) {
    Node* reshape = input ? input->producer() : nullptr;
    if (!is_reshape(reshape) || !input->has_single_use()) continue;
    const Value* data = reshape->input(0);
    if (!data->producer() || !takes_epilogue(data->producer()) || !data->has_single_use()) continue;
    if (input->shape() == node->output()->shape()) return reshape;
  }
  return nullptr;
}

// The shape above the Reshape of an operand that has, below it, the last dimensions of the result;
// nothing if these are not whole dimensions above.
std::optional<Shape> shape_above(Shape operand, const Shape& above, const Shape& below) {
  while (!operand.empty() && operand[0] == Dim(1)) operand.erase(operand.begin());
  if (operand.empty()) return Shape();
  if (operand.size() > below.size()) return std::nullopt;
  const size_t first = below.size() - operand.size();
  if (!std::equal(operand.begin(), operand.end(), below.begin() + static_cast<int64_t>(first)))
    return std::nullopt;
  const auto groups = reshape_groups(above, below);
  if (!groups) return std::nullopt;
  for (const ReshapeGroup& group : *groups) {
    if (group.out_begin == first) {
      return Shape(above.begin() + static_cast<int64_t>(group.in_begin), above.end());
    }
  }
  return std::nullopt;
}

// `operand` of `node` as it is above `reshape`; null if there is no way to say it.
Result<Value*> operand_above(Graph& graph, Node* node, const Node* reshape, Value* operand) {
  const Value* data = reshape->input(0);
  const auto shape = operand->shape() == node->output()->shape()
                         ? std::optional<Shape>(data->shape())
                         : shape_above(operand->shape(), data->shape(), node->output()->shape());
  if (!shape) return static_cast<Value*>(nullptr);
  if (*shape == operand->shape()) return operand;
  NodeOptions options{.name = node->name() + "/operand", .before = node};
  options.sources = node->sources();
  if (!operand->is_constant()) return reshape_to(graph, operand, *shape, std::move(options));
  const auto sizes = to_static(*shape);
  if (!sizes) return static_cast<Value*>(nullptr);
  return graph.add_constant(operand->name(), operand->constant()->reshaped(*sizes),
                            operand->source());
}

Result<bool> move_below(Graph& graph, Node* node, Node* reshape) {
  std::vector<Value*> inputs;
  for (Value* input : node->inputs()) {
    if (input == reshape->output()) {
      inputs.push_back(reshape->input(0));
      continue;
    }
    HONE_ASSIGN_OR_RETURN(Value * above, operand_above(graph, node, reshape, input));
    if (!above) return false;
    inputs.push_back(above);
  }
  NodeOptions options{.name = node->name() + "/above", .sources = node->sources(), .before = node};
  HONE_ASSIGN_OR_RETURN(Value * moved, graph.add(node->op().name, node->attributes(),
                                                 std::move(inputs), std::move(options)));
  std::vector<Value*> reshaped = reshape->inputs();
  reshaped[0] = moved;
  HONE_RETURN_IF_ERROR(replace_node(graph, node, reshape->op().name, reshape->attributes(),
                                    std::move(reshaped), reshape->sources())
                           .status());
  return true;
}

}  // namespace

Result<bool> lower_reshapes(Graph& graph) {
  bool changed = false, tried = false;
  for (Node* node : graph.nodes()) {
    if (!pointwise_body(node)) continue;
    Node* reshape = movable_reshape(node);
    if (!reshape) continue;
    HONE_ASSIGN_OR_RETURN(const bool moved, move_below(graph, node, reshape));
    changed = changed || moved;
    tried = true;
  }
  // Also operands of those that could not be moved after all.
  if (tried) graph.remove_dead();
  return changed;
}

}  // namespace hone

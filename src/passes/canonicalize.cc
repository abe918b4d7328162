#include "passes/canonicalize.h"

#include <cmath>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

bool is_splat(const Value* value, double wanted) {
  const auto splat = splat_value(value);
  return splat && *splat == wanted;
}

bool keeps_shape(const Node* node) { return node->input(0)->shape() == node->output()->shape(); }

// Constants on the right: x + c.
bool swap_operands(Graph& graph, Node* node) {
  if (!node->op().commutative || !node->input(0)->is_constant() || node->input(1)->is_constant()) {
    return false;
  }
  graph.set_inputs(node, {node->input(1), node->input(0)});
  return true;
}

// x + 0, x - 0, x * 1, x / 1, x ^ 1.
bool remove_neutral(Graph& graph, Node* node) {
  const bool zero = (node->is("Add") || node->is("Sub")) && is_splat(node->input(1), 0);
  const bool one =
      (node->is("Mul") || node->is("Div") || node->is("Pow")) && is_splat(node->input(1), 1);
  if (!(zero || one) || !keeps_shape(node)) return false;
  bypass(graph, node, node->input(0));
  return true;
}

// Floating point only: x - c is x + -c bit by bit.
Result<bool> sub_to_add(Graph& graph, Node* node) {
  if (!node->is("Sub") || !node->input(1)->is_constant() || !is_float(node->output()->dtype())) {
    return false;
  }
  const Tensor inputs[] = {*node->input(1)->constant()};
  HONE_ASSIGN_OR_RETURN(auto negated, evaluate_reference(op("Neg"), {}, Program(), inputs));
  Value* constant = graph.add_constant(node->input(1)->name() + "/negated", std::move(negated[0]));
  HONE_RETURN_IF_ERROR(replace_node(graph, node, "Add", {}, {node->input(0), constant}).status());
  return true;
}

// x / c where 1 / c is exact.
Result<bool> div_to_mul(Graph& graph, Node* node) {
  if (!node->is("Div") || node->output()->dtype() != DataType::f32) return false;
  const auto divisor = splat_value(node->input(1));
  int exponent = 0;
  if (!divisor || std::fabs(std::frexp(*divisor, &exponent)) != 0.5 || std::abs(exponent) > 100) {
    return false;
  }
  const Tensor inputs[] = {*node->input(1)->constant()};
  HONE_ASSIGN_OR_RETURN(auto inverse, evaluate_reference(op("Reciprocal"), {}, Program(), inputs));
  Value* constant = graph.add_constant(node->input(1)->name() + "/inverse", std::move(inverse[0]));
  HONE_RETURN_IF_ERROR(replace_node(graph, node, "Mul", {}, {node->input(0), constant}).status());
  return true;
}

// Operators with two operands that have a name of their own with one.
Result<bool> name_unary(Graph& graph, Node* node) {
  const char* name = nullptr;
  if (node->is("Max") && is_splat(node->input(1), 0)) name = "Relu";
  if (node->is("Mul") && node->input(0) == node->input(1)) name = "Square";
  if (node->is("Pow") && is_splat(node->input(1), 2)) name = "Square";
  if (!name || !keeps_shape(node)) return false;
  HONE_RETURN_IF_ERROR(replace_node(graph, node, name, {}, {node->input(0)}).status());
  return true;
}

// The Transpose above `value`, if it swaps the last two dimensions and no others.
Node* matrix_transpose(const Value* value) {
  Node* node = producer(value, "Transpose");
  if (!node || value->shape().size() < 2) return nullptr;
  std::vector<int64_t> perm = permutation_of(node);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return is_identity(perm) ? node : nullptr;
}

Result<bool> transposed_operands(Graph& graph, Node* node) {
  if (!node->is("MatMul")) return false;
  MatMulAttributes attributes = node->attr<MatMulAttributes>();
  std::vector<Value*> inputs = node->inputs();
  for (int i = 0; i < 2; ++i) {
    const Node* transpose = matrix_transpose(inputs[i]);
    if (!transpose) continue;
    inputs[i] = transpose->input(0);
    bool& flag = i == 0 ? attributes.transpose_a : attributes.transpose_b;
    flag = !flag;
  }
  if (inputs == node->inputs()) return false;
  HONE_RETURN_IF_ERROR(rewrite(graph, node, attributes, std::move(inputs)));
  return true;
}

// One step; the node may be gone after it.
Result<bool> simplify(Graph& graph, Node* node) {
  HONE_ASSIGN_OR_RETURN(bool changed, transposed_operands(graph, node));
  if (changed || !node->op().pointwise || node->inputs().size() != 2) return changed;
  const bool swapped = swap_operands(graph, node);
  if (remove_neutral(graph, node)) return true;
  for (auto rule : {sub_to_add, div_to_mul, name_unary}) {
    HONE_ASSIGN_OR_RETURN(changed, rule(graph, node));
    if (changed) return true;
  }
  return swapped;
}

}  // namespace

Result<bool> canonicalize(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) {
    if (!node->epilogue().empty()) continue;
    const std::string name = node->name();
    // Sub becomes Add, which may turn out to add 0.
    while (node) {
      HONE_ASSIGN_OR_RETURN(const bool again, simplify(graph, node));
      if (!again) break;
      changed = true;
      node = graph.find_node(name);
    }
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

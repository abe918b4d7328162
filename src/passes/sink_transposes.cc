#include "passes/sink_transposes.h"

#include <algorithm>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/reshape_to.h"
#include "passes/sink_rules.h"

namespace hone {
namespace {

using Perm = std::vector<int64_t>;

// --- Flatten in front of MatMul: the rows of the weights move instead.

// How many leading dimensions Flatten (a Reshape that joins all others) keeps, if the Transpose
// above it does too; nothing if `node` is no such Reshape.
std::optional<size_t> flatten_begin(const Node* node, const Perm& perm) {
  const Shape& in = node->input(0)->shape();
  const Shape& out = node->output()->shape();
  if (out.empty() || out.size() > in.size()) return std::nullopt;
  const size_t begin = out.size() - 1;
  for (size_t i = 0; i < begin; ++i) {
    if (in[i] != out[i] || perm[i] != static_cast<int64_t>(i)) return std::nullopt;
  }
  const Shape rest(in.begin() + static_cast<int64_t>(begin), in.end());
  if (!is_static(rest) || num_elements(rest) != out.back()) return std::nullopt;
  return begin;
}

bool reads_rows(const Use& use) {
  if (!use.node->is("MatMul") || use.index != 0) return false;
  const Value* weights = use.node->input(1);
  return weights->is_constant() && weights->shape().size() == 2 &&
         !use.node->attr<MatMulAttributes>().transpose_a;
}

// Weights for data in the order above the Transpose. `shape`: of the joined dimensions below it,
// `perm`: among them.
Result<Tensor> permuted_rows(const Node* matmul, const std::vector<int64_t>& shape,
                             const Perm& perm) {
  const Tensor& weights = *matmul->input(1)->constant();
  const bool columns = matmul->attr<MatMulAttributes>().transpose_b;
  std::vector<int64_t> split = shape;
  Perm back = inverse_of(perm);
  if (columns) {
    split.insert(split.begin(), weights.dim(0));
    for (int64_t& axis : back) ++axis;
    back.insert(back.begin(), 0);
  } else {
    back.push_back(static_cast<int64_t>(split.size()));
    split.push_back(weights.dim(1));
  }
  HONE_ASSIGN_OR_RETURN(Tensor moved, transposed(weights.reshaped(split), back));
  return moved.reshaped(weights.shape());
}

Result<bool> flatten_into_weights(Graph& graph, Node* node, const Perm& perm) {
  if (!node->is("Reshape") || !node->epilogue().empty()) return false;
  const Value* result = node->output();
  const auto begin = flatten_begin(node, perm);
  const std::vector<Use> uses = result->uses();
  if (!begin || result->is_graph_output() || uses.empty() ||
      !std::all_of(uses.begin(), uses.end(), reads_rows)) {
    return false;
  }
  const Shape& in = node->input(0)->shape();
  const auto shape = *to_static(Shape(in.begin() + static_cast<int64_t>(*begin), in.end()));
  Perm inner(perm.begin() + static_cast<int64_t>(*begin), perm.end());
  for (int64_t& axis : inner) axis -= static_cast<int64_t>(*begin);
  HONE_ASSIGN_OR_RETURN(const bool done,
                        become_reshape(graph, node, node->input(0)->producer()->input(0)));
  if (!done) return false;
  for (const Use& use : uses) {
    const Value* old = use.node->input(1);
    HONE_ASSIGN_OR_RETURN(Tensor rows, permuted_rows(use.node, shape, inner));
    graph.set_input(use.node, 1, graph.add_constant(old->name(), std::move(rows), old->source()));
  }
  return true;
}

// --- Everything else.

// Transpose behind Transpose.
Result<bool> join(Graph& graph, Node* node, const Node* above) {
  const Perm perm = compose_permutations(permutation_of(above), permutation_of(node));
  if (is_identity(perm)) {
    bypass(graph, node, above->input(0));
    return true;
  }
  HONE_RETURN_IF_ERROR(rewrite(graph, node, TransposeAttributes{perm}, {above->input(0)}));
  return true;
}

Status put_behind(Graph& graph, Node* node, const Perm& perm,
                  const std::vector<std::string>& sources, Node* next) {
  if (is_identity(perm)) return ok();
  for (Value* output : node->outputs()) {
    NodeOptions options{.name = output->name() + "/transpose", .sources = sources, .before = next};
    HONE_ASSIGN_OR_RETURN(Node * behind, graph.add_node("Transpose", TransposeAttributes{perm},
                                                        {output}, std::move(options)));
    graph.replace_uses(output, behind->output(), behind);
  }
  return ok();
}

// Moves the Transpose above `node` below it, or joins the two. `next`: the node that follows.
Result<bool> sink_one(Graph& graph, Node* node, Node* next) {
  Node* transpose = nullptr;
  for (const Value* input : node->inputs()) {
    if (!transpose) transpose = producer(input, "Transpose");
  }
  if (!transpose) return false;
  if (node->is("Transpose")) return join(graph, node, transpose);
  const Perm perm = permutation_of(transpose);
  const std::vector<std::string> sources = transpose->sources();
  if (is_identity(perm)) return false;
  if (node->input(0) == transpose->output()) {
    HONE_ASSIGN_OR_RETURN(const bool flattened, flatten_into_weights(graph, node, perm));
    if (flattened) return true;
  }
  HONE_ASSIGN_OR_RETURN(auto sunk, sink_rule(graph, node, perm));
  if (!sunk) return false;
  HONE_RETURN_IF_ERROR(rewrite(graph, node, std::move(sunk->attributes), std::move(sunk->inputs)));
  HONE_RETURN_IF_ERROR(put_behind(graph, node, sunk->perm, sources, next));
  return true;
}

}  // namespace

Result<bool> sink_transposes(Graph& graph) {
  bool changed = false;
  // In order: a Transpose that has moved below one node is seen by the next.
  const std::vector<Node*> nodes = graph.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    Node* next = i + 1 < nodes.size() ? nodes[i + 1] : nullptr;
    HONE_ASSIGN_OR_RETURN(const bool sunk, sink_one(graph, nodes[i], next));
    changed = changed || sunk;
  }
  if (changed) graph.remove_dead();
  for (Node* node : graph.nodes()) {
    if (!node->is("Transpose") || !node->epilogue().empty()) continue;
    if (!keeps_order(node->input(0)->shape(), permutation_of(node))) continue;
    HONE_ASSIGN_OR_RETURN(const bool reshaped, become_reshape(graph, node, node->input(0)));
    changed = changed || reshaped;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

#include "passes/remove_identity.h"

#include <algorithm>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/reshape_to.h"

namespace hone {
namespace {

bool all_are(const Value* value, int64_t wanted) {
  const auto elements = constant_as_int64s(value);
  return elements && std::all_of(elements->begin(), elements->end(),
                                 [wanted](int64_t element) { return element == wanted; });
}

// Without an effect if the shape stays the same.
bool only_shapes(const Node* node) {
  for (const char* name : {"Reshape", "Squeeze", "Unsqueeze", "Expand", "Tile"}) {
    if (node->is(name)) return true;
  }
  return false;
}

bool hands_on(const Node* node) {
  const bool same_shape = node->input(0)->shape() == node->output()->shape();
  if (node->is("Identity")) return true;
  if (only_shapes(node)) return same_shape;
  if (node->is("Transpose")) return is_identity(permutation_of(node));
  if (node->is("Cast")) return node->input(0)->dtype() == node->output()->dtype();
  if (node->is("Concat")) return node->inputs().size() == 1;
  if (node->is("Split")) return node->outputs().size() == 1;
  if (node->is("Pad")) return all_are(node->input(1), 0);
  // A step of -1 keeps the shape too, but not the order.
  if (node->is("Slice")) return same_shape && (!node->input(4) || all_are(node->input(4), 1));
  return false;
}

bool is_reshape(const Node* node) {
  return node && node->epilogue().empty() &&
         (node->is("Reshape") || node->is("Squeeze") || node->is("Unsqueeze"));
}

Result<bool> join_reshapes(Graph& graph, Node* node) {
  if (!is_reshape(node) || !is_reshape(node->input(0)->producer())) return false;
  Value* origin = node->input(0);
  while (is_reshape(origin->producer())) origin = origin->producer()->input(0);
  return become_reshape(graph, node, origin);
}

Result<bool> join_transposes(Graph& graph, Node* node) {
  Node* inner = node->is("Transpose") ? producer(node->input(0), "Transpose") : nullptr;
  if (!inner) return false;
  auto perm = compose_permutations(permutation_of(inner), permutation_of(node));
  if (is_identity(perm)) {
    bypass(graph, node, inner->input(0));
    return true;
  }
  HONE_RETURN_IF_ERROR(
      rewrite(graph, node, TransposeAttributes{std::move(perm)}, {inner->input(0)}));
  return true;
}

}  // namespace

Result<bool> remove_identity(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) {
    if (!node->epilogue().empty() || node->inputs().empty() || !node->input(0)) continue;
    if (hands_on(node)) {
      bypass(graph, node, node->input(0));
      changed = true;
      continue;
    }
    HONE_ASSIGN_OR_RETURN(bool joined, join_reshapes(graph, node));
    if (!joined) {
      HONE_ASSIGN_OR_RETURN(joined, join_transposes(graph, node));
    }
    changed = changed || joined;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

#include "passes/fuse_epilogue.h"

#include <algorithm>

#include "passes/edit.h"
#include "passes/pointwise_body.h"

namespace hone {
namespace {

// Operators whose tactics run epilogues.
bool takes_epilogue(const Node* node) {
  return (node->is("Conv") || node->is("ConvTranspose") || node->is("MatMul")) &&
         node->output()->dtype() == DataType::f32;
}

// Whether tactics can read `extra` beside a result of this shape.
bool fits_beside(const Value* extra, const Shape& result) {
  const Shape& shape = extra->shape();
  return shape == result || is_per_channel(shape, result) ||
         (is_single(shape) && shape.size() <= result.size());
}

// Takes the one user of `root`'s result into its epilogue. No cycle can arise: whatever else the
// user reads cannot depend on `root`, whose result nobody else reads.
Result<bool> absorb_user(Graph& graph, Node* root) {
  Value* result = root->output();
  if (!result->has_single_use()) return false;
  Node* user = result->uses()[0].node;
  const auto whole = pointwise_body(user);
  if (!whole || user->output()->shape() != result->shape()) return false;
  const PointwiseBody body = tidy(*whole, result);
  const std::vector<Value*> extra(body.inputs.begin() + 1, body.inputs.end());
  for (const Value* value : extra) {
    if (!fits_beside(value, result->shape())) return false;
  }
  if (!fits(compose(root->epilogue(), body.program, 0))) return false;
  HONE_RETURN_IF_ERROR(graph.append_epilogue(root, body.program, extra));
  take_over(graph, root, user);
  return true;
}

}  // namespace

Result<bool> fuse_epilogue(Graph& graph) {
  bool changed = false;
  std::vector<Node*> nodes = graph.nodes();
  // Only roots are touched in the second step, and they are never absorbed.
  std::erase_if(nodes, [](const Node* node) { return !takes_epilogue(node); });
  // From the end: the later one of two gets the Add.
  for (auto root = nodes.rbegin(); root != nodes.rend(); ++root) {
    while (true) {
      HONE_ASSIGN_OR_RETURN(const bool absorbed, absorb_user(graph, *root));
      if (!absorbed) break;
      changed = true;
    }
  }
  if (!changed) return false;
  HONE_RETURN_IF_ERROR(graph.sort());
  graph.remove_dead();
  return true;
}

}  // namespace hone

// Transposes move below Reshapes where what is split or joined are neighbours above as well:
// [N,C,H,W] -> [N,C,H*W] below is [N,H,W,C] -> [N,H*W,C] above.
#include <algorithm>
#include <numeric>

#include "ops/reshape_groups.h"
#include "passes/edit.h"
#include "passes/reshape_to.h"
#include "passes/sink_rules.h"

namespace hone {
namespace {

bool neighbours_above(const ReshapeGroup& group, const std::vector<int64_t>& perm) {
  for (size_t i = group.in_begin + 1; i < group.in_end; ++i) {
    if (perm[i] != perm[i - 1] + 1) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<Sunk>> sink_reshape(Graph& graph, Node* node,
                                         const std::vector<int64_t>& perm) {
  const Shape& below = node->output()->shape();
  const auto groups = reshape_groups(node->input(0)->shape(), below);
  if (!groups) return std::optional<Sunk>();
  for (const ReshapeGroup& group : *groups) {
    if (!neighbours_above(group, perm)) return std::optional<Sunk>();
  }
  std::vector<const ReshapeGroup*> order;  // as they come above
  for (const ReshapeGroup& group : *groups) order.push_back(&group);
  std::sort(order.begin(), order.end(), [&perm](const ReshapeGroup* a, const ReshapeGroup* b) {
    return perm[a->in_begin] < perm[b->in_begin];
  });
  Sunk sunk;
  sunk.perm.resize(below.size());
  Shape target;
  for (const ReshapeGroup* group : order) {
    for (size_t o = group->out_begin; o < group->out_end; ++o) {
      sunk.perm[o] = static_cast<int64_t>(target.size());
      target.push_back(below[o]);
    }
  }
  // The Reshape is made as a trial; its attributes and inputs are what counts.
  NodeOptions options;
  options.before = node;
  Value* data = node->input(0)->producer()->input(0);
  if (data->shape() == target) return std::optional<Sunk>();
  HONE_ASSIGN_OR_RETURN(Value * trial, reshape_to(graph, data, target, options));
  if (!trial) return std::optional<Sunk>();
  sunk.attributes = trial->producer()->attributes();
  sunk.inputs = trial->producer()->inputs();
  graph.erase(trial->producer());
  return std::optional(std::move(sunk));
}

}  // namespace hone

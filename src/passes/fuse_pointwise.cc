#include "passes/fuse_pointwise.h"

#include <algorithm>
#include <unordered_set>

#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/pointwise_body.h"

namespace hone {
namespace {

bool is_read_only_by(const Value* value, const std::unordered_set<const Node*>& nodes) {
  if (value->is_graph_output()) return false;
  return std::all_of(value->uses().begin(), value->uses().end(),
                     [&nodes](const Use& use) { return nodes.contains(use.node); });
}

// A computation that grows upwards from `node`.
struct Growth {
  PointwiseBody body;
  std::unordered_set<const Node*> members;
  std::vector<std::string> sources;
};

// Takes the producer of one input in, if there is one that can be.
bool grow(const Shape& shape, Growth* growth) {
  for (size_t i = 0; i < growth->body.inputs.size(); ++i) {
    const Value* input = growth->body.inputs[i];
    const Node* node = input->producer();
    // A smaller input is computed once, not once for every element that it is broadcast to.
    if (!node || input->shape() != shape || !is_read_only_by(input, growth->members)) continue;
    const auto above = pointwise_body(node);
    if (!above) continue;
    PointwiseBody joined = tidy(inline_body(*above, growth->body, i), nullptr);
    if (!fits(joined.program)) continue;
    growth->body = std::move(joined);
    growth->members.insert(node);
    growth->sources.insert(growth->sources.begin(), node->sources().begin(), node->sources().end());
    return true;
  }
  return false;
}

Result<bool> fuse_upwards(Graph& graph, Node* node) {
  const auto whole = pointwise_body(node);
  if (!whole) return false;
  Growth growth{tidy(*whole, nullptr), {node}, node->sources()};
  while (grow(node->output()->shape(), &growth)) {
  }
  const bool alone = growth.members.size() == 1;
  if (alone && growth.body.program == whole->program && growth.body.inputs == whole->inputs) {
    return false;
  }
  if (!fits(growth.body.program)) return false;
  HONE_RETURN_IF_ERROR(replace_node(graph, node, "Pointwise",
                                    PointwiseAttributes{growth.body.program}, growth.body.inputs,
                                    growth.sources)
                           .status());
  return true;
}

}  // namespace

Result<bool> fuse_pointwise(Graph& graph) {
  bool changed = false;
  // From the end: a chain is met at its last operator. The others are dead then, and pass by.
  std::vector<Node*> nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const Value* result = (*node)->output();
    if (result->uses().empty() && !result->is_graph_output()) continue;
    HONE_ASSIGN_OR_RETURN(const bool fused, fuse_upwards(graph, *node));
    changed = changed || fused;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

#include "passes/fold_constants.h"

#include "base/log.h"
#include "passes/edit.h"

namespace hone {
namespace {

constexpr int64_t kMaxBytes = int64_t{64} << 20;
constexpr int64_t kSmallBytes = int64_t{64} << 10;  // may grow at will: filled tensors, ranges
constexpr int64_t kMaxGrowth = 8;

// The inputs as tensors; nothing if one is no constant.
std::optional<std::vector<Tensor>> constant_inputs(const Node* node) {
  std::vector<Tensor> inputs;
  for (const Value* input : node->inputs()) {
    if (input && !input->constant()) return std::nullopt;
    inputs.push_back(input ? *input->constant() : Tensor());
  }
  return inputs;
}

bool is_worth_keeping(const Node* node, const std::vector<Tensor>& inputs) {
  int64_t before = 0, after = 0;
  for (const Tensor& input : inputs) before += static_cast<int64_t>(input.bytes());
  for (const Value* output : node->outputs()) {
    const auto shape = to_static(output->shape());
    if (!shape) return false;
    const auto bytes = checked_num_bytes(output->dtype(), *shape);
    if (!bytes.ok() || *bytes > kMaxBytes) return false;
    after += *bytes;
  }
  return after <= kSmallBytes || (after <= kMaxBytes && after / kMaxGrowth <= before);
}

bool is_used(const Node* node) {
  for (const Value* output : node->outputs()) {
    if (!output->uses().empty() || output->is_graph_output()) return true;
  }
  return false;
}

bool fold(Graph& graph, Node* node) {
  if (!node->op().foldable || !is_used(node)) return false;
  const auto inputs = constant_inputs(node);
  if (!inputs || !is_worth_keeping(node, *inputs)) return false;
  auto results = evaluate_reference(node->op(), node->attributes(), node->epilogue(), *inputs);
  if (!results.ok()) {
    // It fails again when it runs, if it ever does: a model may hold what it never executes.
    log_debug("not folded: {}: {}", node->name(), results.status().message());
    return false;
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    replace_by_constant(graph, node->output(i), std::move((*results)[i]));
  }
  graph.erase(node);
  return true;
}

}  // namespace

Result<bool> fold_constants(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) changed = fold(graph, node) || changed;
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

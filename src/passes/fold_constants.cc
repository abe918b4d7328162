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

int64_t bytes_of(const std::vector<Tensor>& tensors) {
  int64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += static_cast<int64_t>(tensor.bytes());
  return bytes;
}

bool may_keep(int64_t before, int64_t after) {
  return after <= kSmallBytes || (after <= kMaxBytes && after / kMaxGrowth <= before);
}

// Where a size depends on values the result tells; such operators give no more than a few elements
// for each that they get.
bool is_worth_keeping(const Node* node, const std::vector<Tensor>& inputs) {
  const int64_t before = bytes_of(inputs);
  int64_t after = 0;
  for (const Value* output : node->outputs()) {
    const auto shape = to_static(output->shape());
    if (!shape) {
      if (before > kSmallBytes) return false;
      continue;
    }
    const auto bytes = checked_num_bytes(output->dtype(), *shape);
    if (!bytes.ok() || *bytes > kMaxBytes) return false;
    after += *bytes;
  }
  return may_keep(before, after);
}

bool is_used(const Node* node) {
  for (const Value* output : node->outputs()) {
    if (!output->uses().empty() || output->is_graph_output()) return true;
  }
  return false;
}

// `retyped`: constants of a size that was not known before.
bool fold(Graph& graph, Node* node, std::vector<Value*>* retyped) {
  if (!node->op().foldable || !is_used(node)) return false;
  const auto inputs = constant_inputs(node);
  if (!inputs || !is_worth_keeping(node, *inputs)) return false;
  auto results = evaluate_reference(node->op(), node->attributes(), node->epilogue(), *inputs);
  if (!results.ok()) {
    // It fails again when it runs, if it ever does: a model may hold what it never executes.
    log_debug("not folded: {}: {}", node->name(), results.status().message());
    return false;
  }
  if (!may_keep(bytes_of(*inputs), bytes_of(*results))) return false;
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    const bool known = is_static(node->output(i)->shape());
    const std::string name = node->output(i)->name();
    replace_by_constant(graph, node->output(i), std::move((*results)[i]));
    if (!known) retyped->push_back(graph.find_value(name));
  }
  graph.erase(node);
  return true;
}

}  // namespace

Result<bool> fold_constants(Graph& graph) {
  bool changed = false;
  std::vector<Value*> retyped;
  for (Node* node : graph.nodes()) changed = fold(graph, node, &retyped) || changed;
  if (!retyped.empty()) HONE_RETURN_IF_ERROR(infer_users(graph, retyped));
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

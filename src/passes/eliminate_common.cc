#include "passes/eliminate_common.h"

#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "passes/edit.h"

namespace hone {
namespace {

bool merge_constants(Graph& graph) {
  bool changed = false;
  std::unordered_map<Hash128, Value*> seen;
  const std::list<Value*> constants = graph.constants();
  for (Value* value : constants) {
    auto [entry, fresh] = seen.emplace(value->constant()->hash(), value);
    if (fresh || value->uses().empty() || !(*entry->second->constant() == *value->constant())) {
      continue;
    }
    // One that is a graph output stays: outputs of their own are what callers expect.
    if (value->is_graph_output()) continue;
    graph.replace_uses(value, entry->second);
    changed = true;
  }
  return changed;
}

// Equal for nodes that compute the same.
std::string key_of(const Node* node) {
  std::vector<Value*> inputs = node->inputs();
  if (node->op().commutative && inputs.size() >= 2 && inputs[1] < inputs[0]) {
    std::swap(inputs[0], inputs[1]);
  }
  std::string key = fmt::format("{}{}|{}|", node->op().name, attributes_text(node->attributes()),
                                node->epilogue().text());
  for (const Value* input : inputs) key += fmt::format("{},", fmt::ptr(input));
  return key;
}

}  // namespace

Result<bool> eliminate_common(Graph& graph) {
  bool changed = graph.remove_dead();
  changed = merge_constants(graph) || changed;
  std::unordered_map<std::string, Node*> seen;
  // A size that depends on values had a symbol for each node; users of the erased one must learn
  // the other.
  std::vector<Value*> retyped;
  for (Node* node : graph.nodes()) {
    if (!node->op().foldable) continue;  // random numbers are different each time
    auto [entry, fresh] = seen.emplace(key_of(node), node);
    if (fresh) continue;
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      if (node->output(i)->type() != entry->second->output(i)->type()) {
        retyped.push_back(entry->second->output(i));
      }
      graph.replace_uses(node->output(i), entry->second->output(i));
    }
    graph.add_sources(entry->second, node->sources());
    graph.erase(node);
    changed = true;
  }
  if (changed) graph.remove_dead();
  if (!retyped.empty()) HONE_RETURN_IF_ERROR(infer_users(graph, retyped));
  return changed;
}

}  // namespace hone

#include "importers/onnx/order.h"

#include <fmt/format.h>

#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace hone::onnx {
namespace {

constexpr size_t kNoNode = SIZE_MAX;

Status node_error(const ModelData& model, size_t index, std::string what) {
  const NodeData& node = model.nodes[index];
  return Status(Code::kModel, std::move(what))
      .at(fmt::format("node '{}' ({})", printable(node_name(node, index)),
                      printable(node.op_type)));
}

// The node that makes each tensor; kNoNode for graph inputs and initializers.
using Producers = std::unordered_map<std::string_view, size_t>;

Result<Producers> find_producers(const ModelData& model) {
  Producers producers;
  for (const ValueData& input : model.inputs) {
    if (!producers.emplace(input.name, kNoNode).second) {
      return Status(Code::kModel,
                    fmt::format("there are two graph inputs '{}'", printable(input.name)));
    }
  }
  // An initializer with the name of an input is that input's default.
  std::unordered_set<std::string_view> initializers;
  for (const InitializerData& initializer : model.initializers) {
    if (!initializers.insert(initializer.name).second) {
      return Status(Code::kModel,
                    fmt::format("there are two initializers '{}'", printable(initializer.name)));
    }
    producers.emplace(initializer.name, kNoNode);
  }
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    for (std::string_view output : model.nodes[i].outputs) {
      if (output.empty() || producers.emplace(output, i).second) continue;
      return node_error(model, i,
                        fmt::format("its output '{}' is defined a second time", printable(output)));
    }
  }
  return producers;
}

}  // namespace

std::string node_name(const NodeData& node, size_t index) {
  if (!node.name.empty()) return std::string(node.name);
  return fmt::format("{}_{}", node.op_type, index);
}

Result<std::vector<size_t>> topological_order(const ModelData& model) {
  HONE_ASSIGN_OR_RETURN(const Producers producers, find_producers(model));
  const size_t count = model.nodes.size();
  std::vector<std::vector<size_t>> users(count);
  std::vector<size_t> missing(count, 0);  // inputs whose producers are not in the order yet
  for (size_t i = 0; i < count; ++i) {
    for (std::string_view input : model.nodes[i].inputs) {
      if (input.empty()) continue;
      const auto at = producers.find(input);
      if (at == producers.end()) {
        return node_error(model, i,
                          fmt::format("its input '{}' is not defined anywhere", printable(input)));
      }
      if (at->second == kNoNode) continue;
      users[at->second].push_back(i);
      ++missing[i];
    }
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < count; ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<size_t> order;
  while (!ready.empty()) {
    const size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (size_t user : users[i]) {
      if (--missing[user] == 0) ready.push(user);
    }
  }
  if (order.size() == count) return order;
  for (size_t i = 0; i < count; ++i) {
    if (missing[i] > 0) return node_error(model, i, "it depends on its own output: a cycle");
  }
  return order;
}

}  // namespace hone::onnx

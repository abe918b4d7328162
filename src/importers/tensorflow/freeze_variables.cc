#include "importers/tensorflow/freeze_variables.h"

#include <fmt/format.h>

#include <unordered_map>
#include <vector>

#include "base/text.h"

namespace hone::tf {
namespace {

using Keys = std::map<std::string, std::string, std::less<>>;

// The nodes among which the restore op is: a function's body, or the top graph (TF1 style).
class RestoreGraph {
 public:
  explicit RestoreGraph(const std::vector<NodeDef>& nodes) {
    for (const NodeDef& node : nodes) nodes_.emplace(node.name, &node);
  }
  // Argument of the restore function -> node of the top graph that is passed for it.
  void bind(const std::string& arg, std::string node) { bound_[arg] = std::move(node); }

  Status collect(const std::vector<NodeDef>& nodes, Keys* keys) const {
    for (const NodeDef& node : nodes) {
      if (node.op != "AssignVariableOp" && node.op != "Assign") continue;
      if (node.inputs.size() < 2) continue;
      HONE_ASSIGN_OR_RETURN(const TensorRef variable, parse_ref(node.inputs[0]));
      HONE_ASSIGN_OR_RETURN(const std::string key, restored_key(node.inputs[1]));
      if (key.empty()) continue;
      const auto bound = bound_.find(variable.node);
      (*keys)[bound != bound_.end() ? bound->second : std::string(variable.node)] = key;
    }
    return ok();
  }

 private:
  const NodeDef* find(std::string_view name) const {
    const auto it = nodes_.find(name);
    return it == nodes_.end() ? nullptr : it->second;
  }

  // The key that the tensor `text` is restored from; empty: it is not a restored one.
  Result<std::string> restored_key(const std::string& text) const {
    constexpr int kLongestChain = 16;
    HONE_ASSIGN_OR_RETURN(TensorRef ref, parse_ref(text));
    for (int i = 0; i < kLongestChain; ++i) {
      const NodeDef* node = find(ref.node);
      if (node == nullptr || node->inputs.empty()) break;
      if (node->op == "RestoreV2") return key_of(*node, ref.index);
      if (node->op != "Identity") break;
      HONE_ASSIGN_OR_RETURN(ref, parse_ref(node->inputs[0]));
    }
    return std::string();
  }

  // Element `index` of the constant `tensor_names`, the second input of RestoreV2.
  Result<std::string> key_of(const NodeDef& restore, int index) const {
    if (restore.inputs.size() < 2) return std::string();
    HONE_ASSIGN_OR_RETURN(const TensorRef names_ref, parse_ref(restore.inputs[1]));
    const NodeDef* names = find(names_ref.node);
    const TensorProto* value = names ? names->attr<TensorProto>("value") : nullptr;
    if (value == nullptr) return std::string();
    const auto where = fmt::format("node '{}'", printable(names->name));
    const auto tensor = value->tensor();
    if (!tensor.ok()) return Status(tensor.status()).at(where);
    if (!tensor->is_string() || index >= tensor->num_elements()) {
      return Status(Code::kModel, fmt::format("there is no name of a variable at index {}", index))
          .at(where);
    }
    return tensor->string_values()[index];
  }

  std::unordered_map<std::string_view, const NodeDef*> nodes_;
  Keys bound_;
};

}  // namespace

Result<Keys> find_variable_keys(const MetaGraph& meta, const FunctionIndex& functions) {
  Keys keys;
  if (meta.restore_op_name.empty()) return keys;
  const auto name = parse_ref(meta.restore_op_name);
  const NodeDef* restore = nullptr;
  for (const NodeDef& node : meta.graph.nodes) {
    if (name.ok() && node.name == name->node) restore = &node;
  }
  if (restore == nullptr) {
    return Status(Code::kModel, fmt::format("the restore op '{}' is not in the graph",
                                            printable(meta.restore_op_name)));
  }
  HONE_ASSIGN_OR_RETURN(const FunctionDef* function, called_function(*restore, functions));
  if (function == nullptr) {
    HONE_RETURN_IF_ERROR(RestoreGraph(meta.graph.nodes).collect(meta.graph.nodes, &keys));
    return keys;
  }
  RestoreGraph graph(function->nodes);
  const auto& args = function->signature.inputs;
  for (size_t i = 0; i < args.size() && i < restore->inputs.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(const TensorRef ref, parse_ref(restore->inputs[i]));
    graph.bind(args[i].name, std::string(ref.node));
  }
  HONE_RETURN_IF_ERROR(graph.collect(function->nodes, &keys));
  return keys;
}

}  // namespace hone::tf

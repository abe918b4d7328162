#include "importers/tensorflow/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace hone::tf {
namespace {

constexpr size_t kMostCopies = 10000;
constexpr int kMostPasses = 200;  // each pass follows the handle through one more node

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

bool is_while(std::string_view op) { return is_one_of(op, {"While", "StatelessWhile"}); }
bool is_branch(std::string_view op) {
  return is_one_of(op, {"If", "StatelessIf", "Case", "StatelessCase"});
}
bool is_call(std::string_view op) {
  return is_one_of(op, {"PartitionedCall", "StatefulPartitionedCall"});
}

// Shapes and handle facts of what was a resource would be wrong for the value.
void drop_stale_attrs(NodeDef* node) {
  for (const char* key : {"output_shapes", "_output_shapes", "_handle_dtypes", "_handle_shapes",
                          "_read_only_resource_inputs"}) {
    node->attrs.erase(key);
  }
}

// Sets positions of a list(type) attribute.
Status set_types(NodeDef* node, const std::string& key, const PositionTypes& types) {
  if (types.empty()) return ok();
  HONE_ASSIGN_OR_RETURN(ListAttr list, node->required_attr<ListAttr>(key));
  for (const auto& [position, type] : types) {
    if (position < 0 || static_cast<size_t>(position) >= list.type.size()) {
      return node->bad_attr(key);
    }
    list.type[position] = type;
  }
  node->attrs[key] = std::move(list);
  return ok();
}

// "x" and "x:0" of an argument, "node:out" and "node:out:0" are the same tensor.
std::string normal_ref(std::string_view ref, const std::set<std::string, std::less<>>& args) {
  const auto parts = split(ref, ':');
  if (parts.size() == 1 || args.find(parts[0]) != args.end()) return std::string(parts[0]);
  if (parts.size() == 2) return fmt::format("{}:{}:0", parts[0], parts[1]);
  return std::string(ref);
}

}  // namespace

// One copy in the making: which tensors of the body are handles that became values.
class FunctionBody {
 public:
  explicit FunctionBody(FunctionDef* function) : function_(*function) {
    for (const ArgDef& arg : function_.signature.inputs) args_.insert(arg.name);
  }

  FunctionDef& function() { return function_; }
  void set_value(const std::string& ref, TfType type) { values_[ref] = type; }
  std::optional<TfType> value_type(std::string_view ref) const {
    const auto it = values_.find(normal_ref(ref, args_));
    return it == values_.end() ? std::nullopt : std::optional(it->second);
  }
  PositionTypes value_inputs(const NodeDef& node) const {
    PositionTypes result;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (const auto type = value_type(node.inputs[i])) result[static_cast<int>(i)] = *type;
    }
    return result;
  }
  // "node:value:0" of a former ReadVariableOp is now "node:output:0".
  void rename_output(const std::string& node, const char* from, const char* to) {
    const std::string old_ref = fmt::format("{}:{}:0", node, from);
    renamed_[old_ref] = fmt::format("{}:{}:0", node, to);
  }
  void apply_renames() {
    if (renamed_.empty()) return;
    const auto apply = [&](std::string* ref) {
      const auto it = renamed_.find(normal_ref(*ref, args_));
      if (it != renamed_.end()) *ref = it->second;
    };
    for (NodeDef& node : function_.nodes) {
      for (std::string& input : node.inputs) apply(&input);
    }
    for (auto& [name, ref] : function_.ret) apply(&ref);
  }

 private:
  FunctionDef& function_;
  std::set<std::string, std::less<>> args_;
  std::map<std::string, TfType, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> renamed_;
};

bool is_functional_control_flow(std::string_view op) {
  return is_while(op) || is_branch(op) || is_call(op);
}

bool make_reader_of_value(NodeDef* node, TfType dtype, bool* needs_axis) {
  *needs_axis = false;
  AttrMap& attrs = node->attrs;
  if (node->op == "ReadVariableOp") {
    node->op = "Identity";
    attrs.clear();
    attrs["T"] = dtype;
  } else if (node->op == "ResourceGather" || node->op == "ResourceGatherNd") {
    const bool nd = node->op == "ResourceGatherNd";
    AttrMap kept;
    kept["Tparams"] = dtype;
    if (const auto* indices = node->attr<TfType>("Tindices")) kept["Tindices"] = *indices;
    if (!nd) {
      kept["Taxis"] = TfType::kInt32;
      const auto* batch_dims = node->attr<int64_t>("batch_dims");
      kept["batch_dims"] = batch_dims ? *batch_dims : int64_t{0};
    }
    node->op = nd ? "GatherNd" : "GatherV2";
    attrs = std::move(kept);
    *needs_axis = !nd;
  } else if (node->op == "VariableShape") {
    node->op = "Shape";
    attrs["T"] = dtype;
    drop_stale_attrs(node);
  } else {
    return false;
  }
  return true;
}

NodeDef gather_axis(const NodeDef& gather, const std::string& name) {
  NodeDef axis;
  axis.name = name;
  axis.op = "Const";
  const auto* batch_dims = gather.attr<int64_t>("batch_dims");
  const auto value = static_cast<int32_t>(batch_dims ? *batch_dims : 0);
  axis.attrs["dtype"] = TfType::kInt32;
  axis.attrs["value"] = TensorProto(Tensor::scalar<int32_t>(value));
  return axis;
}

const FunctionDef* FunctionFreezer::find(std::string_view name) const {
  const auto it = made_.find(std::string(name));
  return it == made_.end() ? functions_->find(name) : &it->second;
}

Result<bool> FunctionFreezer::freeze_node(NodeDef* node, const PositionTypes& inputs,
                                          PositionTypes* outputs) {
  outputs->clear();
  if (!is_functional_control_flow(node->op)) return false;
  const int shift = is_branch(node->op) ? 1 : 0;  // the condition is no argument of the branches
  PositionTypes args;
  for (const auto& [position, type] : inputs) {
    if (position < shift) return false;
    args[position - shift] = type;
  }
  NodeDef changed = *node;
  std::optional<PositionTypes> common;  // outputs on which all branches agree
  const auto replace = [&](FuncAttr* func, bool has_outputs) -> Result<bool> {
    HONE_ASSIGN_OR_RETURN(const auto frozen, freeze(func->name, args));
    if (!frozen) return false;
    func->name = frozen->name;
    if (has_outputs && common && *common != frozen->outputs) return false;
    if (has_outputs) common = frozen->outputs;
    return true;
  };
  for (auto& [key, value] : changed.attrs) {
    if (auto* func = std::get_if<FuncAttr>(&value.value)) {
      HONE_ASSIGN_OR_RETURN(const bool done, replace(func, key != "cond"));
      if (!done) return false;
    } else if (auto* list = std::get_if<ListAttr>(&value.value)) {
      for (FuncAttr& branch : list->func) {
        HONE_ASSIGN_OR_RETURN(const bool done, replace(&branch, true));
        if (!done) return false;
      }
    }
  }
  if (!common) return false;
  // A loop must hand on exactly what it was given.
  if (is_while(changed.op) && *common != args) return false;
  HONE_RETURN_IF_ERROR(set_types(&changed, is_while(changed.op) ? "T" : "Tin", args));
  if (!is_while(changed.op)) HONE_RETURN_IF_ERROR(set_types(&changed, "Tout", *common));
  drop_stale_attrs(&changed);
  *outputs = *common;
  *node = std::move(changed);
  return true;
}

Result<std::optional<FunctionFreezer::Frozen>> FunctionFreezer::freeze(const std::string& name,
                                                                       const PositionTypes& args) {
  const Key key{name, args};
  if (const auto it = memo_.find(key); it != memo_.end()) return it->second;
  const FunctionDef* original = functions_->find(name);
  if (original == nullptr) {
    return Status(Code::kModel,
                  fmt::format("function '{}' is not in the library", printable(name)));
  }
  constexpr size_t kDeepest = 64;
  if (busy_.count(name) > 0 || busy_.size() >= kDeepest) {
    return Status(Code::kModel,
                  fmt::format("function '{}' calls itself, or calls are nested more than {} deep",
                              printable(name), kDeepest));
  }
  if (made_.size() >= kMostCopies) {
    return Status(Code::kOutOfResources, "variables are captured by too many functions");
  }
  busy_.insert(name);
  auto result = make(*original, args);
  busy_.erase(name);
  if (result.ok()) memo_[key] = *result;
  return result;
}

// A node of the copy has new values at `inputs`. False: it does more than read them.
Result<bool> FunctionFreezer::change_node(NodeDef node, const PositionTypes& inputs, size_t index,
                                          FunctionBody* body) {
  FunctionDef& function = body->function();
  const std::string name = node.name;
  const TfType type = inputs.begin()->second;
  const bool reads_variable = node.op == "ReadVariableOp";
  bool needs_axis = false;
  if (node.op == "Identity") {
    node.attrs["T"] = type;
    drop_stale_attrs(&node);
    body->set_value(name + ":output:0", type);
  } else if (inputs.begin()->first == 0 && make_reader_of_value(&node, type, &needs_axis)) {
    if (reads_variable) body->rename_output(name, "value", "output");
    if (needs_axis) {
      const std::string axis = name + "/axis";
      function.nodes.push_back(gather_axis(node, axis));
      const auto controls = std::find_if(node.inputs.begin(), node.inputs.end(),
                                         [](const auto& input) { return input.starts_with('^'); });
      node.inputs.insert(controls, axis + ":output:0");
    }
  } else {
    PositionTypes outputs;
    HONE_ASSIGN_OR_RETURN(const bool possible, freeze_node(&node, inputs, &outputs));
    if (!possible) return false;
    for (const auto& [position, output] : outputs) {
      body->set_value(fmt::format("{}:output:{}", name, position), output);
    }
  }
  function.nodes[index] = std::move(node);
  return true;
}

// Follows the handles through the body: a pass changes every node that has a new one as an input.
Result<bool> FunctionFreezer::change_nodes(const FunctionDef& original, FunctionBody* body) {
  std::vector<PositionTypes> done(original.nodes.size());
  bool changed = true;
  for (int pass = 0; changed; ++pass) {
    if (pass > kMostPasses) return false;
    changed = false;
    for (size_t i = 0; i < done.size(); ++i) {
      const PositionTypes inputs = body->value_inputs(original.nodes[i]);
      if (inputs == done[i]) continue;
      done[i] = inputs;
      changed = true;
      // From the start: it may have got more values since the last pass.
      HONE_ASSIGN_OR_RETURN(const bool possible, change_node(original.nodes[i], inputs, i, body));
      if (!possible) return false;
    }
  }
  body->apply_renames();
  return true;
}

Result<std::optional<FunctionFreezer::Frozen>> FunctionFreezer::make(const FunctionDef& original,
                                                                     const PositionTypes& args) {
  const std::optional<Frozen> impossible;
  FunctionDef copy = original;
  FunctionBody body(&copy);
  for (const auto& [position, type] : args) {
    if (static_cast<size_t>(position) >= copy.signature.inputs.size()) return impossible;
    ArgDef& arg = copy.signature.inputs[position];
    body.set_value(arg.name, type);
    arg.type = type;
    arg.handle_data.clear();
    copy.arg_attrs.erase(static_cast<uint32_t>(position));
  }
  copy.resource_arg_unique_ids.clear();
  HONE_ASSIGN_OR_RETURN(const bool possible, change_nodes(original, &body));
  if (!possible) return impossible;

  Frozen frozen;
  for (size_t i = 0; i < copy.signature.outputs.size(); ++i) {
    ArgDef& output = copy.signature.outputs[i];
    const auto ret = original.ret.find(output.name);
    if (ret == original.ret.end()) return impossible;
    if (const auto type = body.value_type(ret->second)) {
      output.type = *type;
      output.handle_data.clear();
      frozen.outputs[static_cast<int>(i)] = *type;
    }
  }
  size_t number = made_.size();
  do {
    frozen.name = fmt::format("{}__frozen_{}", original.signature.name, number++);
  } while (find(frozen.name) != nullptr);
  copy.signature.name = frozen.name;
  made_[frozen.name] = std::move(copy);
  return std::optional<Frozen>(std::move(frozen));
}

}  // namespace hone::tf

// Expander: what becomes of single nodes.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "importers/tensorflow/freeze_expand.h"

namespace hone::tf {
namespace {

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

bool fits(const ShapeProto& declared, const std::vector<int64_t>& stored) {
  if (declared.unknown_rank) return true;
  return std::equal(declared.dims.begin(), declared.dims.end(), stored.begin(), stored.end(),
                    [](int64_t a, int64_t b) { return a == -1 || a == b; });
}

}  // namespace

Result<bool> Expander::pass_through(Task* task) {
  const NodeDef& node = *task->slot->node;
  Outcome& outcome = task->slot->outcome;
  if (node.op == "NoOp") {
    outcome.effects = task->effects;
    return true;
  }
  const bool single =
      is_one_of(node.op, {"Identity", "RefIdentity", "StopGradient", "PreventGradient"});
  if (!single && node.op != "IdentityN") return false;
  // One that waits for a side effect stays, so that its consumers wait too.
  if (!task->effects.empty() || task->values.empty()) return false;
  if (single && task->values.size() != 1) return false;
  for (const Value& value : task->values) {
    // v1 control flow: what waits for the Identity of one output of a Switch runs in one branch
    // only.
    const bool after_switch = !value.is_variable && value.node >= 0 &&
                              is_one_of(emitted_[value.node].node.op, {"Switch", "RefSwitch"});
    if (after_switch) return false;
  }
  for (size_t i = 0; i < task->values.size(); ++i) {
    const Value& value = task->values[i];
    outcome.instead[static_cast<int>(i)] = value;
    if (!value.is_variable && value.node >= 0 && emitted_[value.node].ordered) {
      outcome.effects.push_back(value.node);
    }
  }
  return true;
}

Result<bool> Expander::read_variable(Task* task) {
  if (task->values.empty() || !task->values[0].is_variable) return false;
  const int number = task->values[0].node;
  if (!can_freeze(variables_[number]) || variables_[number].is_ref) return false;
  const auto* read_type = task->slot->node->attr<TfType>("dtype");
  NodeDef node = *task->slot->node;
  HONE_ASSIGN_OR_RETURN(const TfType type, variable_type(number));
  bool needs_axis = false;
  if (!make_reader_of_value(&node, type, &needs_axis)) return false;
  if (read_type != nullptr && *read_type != type) {
    return Status(Code::kModel, fmt::format("reads {} from variable '{}', which is stored as {}",
                                            type_name(*read_type),
                                            printable(variables_[number].name), type_name(type)))
        .at(fmt::format("node '{}'", printable(node.name)));
  }
  HONE_ASSIGN_OR_RETURN(const int value, variable_const(number));
  std::vector<Value> inputs = task->values;
  inputs[0] = Value{false, value, 0};
  if (node.op == "Identity") {
    task->slot->outcome.instead[0] = inputs[0];
    return true;
  }
  if (needs_axis) {
    const int axis = emit(*task->scope, gather_axis(node, node.name + "/axis"), {}, {});
    inputs.push_back(Value{false, axis, 0});
  }
  settle(task, emit(*task->scope, std::move(node), std::move(inputs), task->effects));
  return true;
}

Result<bool> Expander::freeze_control_flow(Task* task) {
  const NodeDef& original = *task->slot->node;
  if (!is_functional_control_flow(original.op)) return false;
  PositionTypes captured;
  for (size_t i = 0; i < task->values.size(); ++i) {
    const Value& value = task->values[i];
    if (!value.is_variable || !can_freeze(variables_[value.node])) continue;
    HONE_ASSIGN_OR_RETURN(captured[static_cast<int>(i)], variable_type(value.node));
  }
  if (captured.empty()) return false;
  NodeDef node = original;
  PositionTypes handed_on;
  HONE_ASSIGN_OR_RETURN(bool frozen, freezer_.freeze_node(&node, captured, &handed_on));
  const bool is_loop = is_one_of(node.op, {"While", "StatelessWhile"});
  // A branch that returns a variable: which one it is, is only known at run time.
  frozen &= is_loop || handed_on.empty();
  std::vector<Value> inputs = task->values;
  for (const auto& [position, type] : captured) {
    const int number = inputs[position].node;
    if (!frozen) {
      unfreezable_.insert(variables_[number].name);
      continue;
    }
    HONE_ASSIGN_OR_RETURN(const int value, variable_const(number));
    inputs[position] = Value{false, value, 0};
    if (is_loop) task->slot->outcome.instead[position] = task->values[position];
  }
  if (!frozen) return false;
  for (Value& value : inputs) {
    if (value.is_variable) value = Value{false, variable_handle(value.node), 0};
  }
  settle(task, emit(*task->scope, std::move(node), std::move(inputs), task->effects));
  return true;
}

Status Expander::emit_plain(Task* task) {
  const NodeDef& node = *task->slot->node;
  std::vector<Value> inputs = task->values;
  for (Value& value : inputs) {
    if (!value.is_variable) continue;
    const Variable& variable = variables_[value.node];
    const bool read = variable.is_ref && !ops_->has_side_effects(node.op);
    if (can_freeze(variable) && read) {
      HONE_ASSIGN_OR_RETURN(const int constant, variable_const(value.node));
      value = Value{false, constant, 0};
      continue;
    }
    if (can_freeze(variable)) unfreezable_.insert(variable.name);
    value = Value{false, variable_handle(value.node), 0};
  }
  const int emitted = emit(*task->scope, node, std::move(inputs), task->effects);
  for (size_t i = 0, data = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].starts_with('^')) continue;
    if (emitted_[emitted].inputs[data].node < 0) {
      back_edges_.push_back({emitted, data, task->scope, node.inputs[i]});
    }
    ++data;
  }
  settle(task, emitted);
  return ok();
}

bool Expander::node_has_effects(const NodeDef& node, int depth) {
  if (ops_->has_side_effects(node.op)) return true;
  if (functions_->find(node.op) != nullptr && function_has_effects(node.op, depth)) return true;
  for (const std::string& name : named_functions(node)) {
    if (function_has_effects(name, depth)) return true;
  }
  return false;
}

bool Expander::function_has_effects(const std::string& name, int depth) {
  if (depth > kMaxCallDepth) return true;
  const auto [it, is_new] = function_effects_.emplace(name, false);
  if (!is_new) return it->second;
  const FunctionDef* function = freezer_.find(name);
  if (function == nullptr) return false;
  bool result = false;
  for (const NodeDef& node : function->nodes) result |= node_has_effects(node, depth + 1);
  return function_effects_[name] = result;
}

Expander::Value Expander::new_variable(const Scope& scope, const NodeDef& node) {
  const std::string name = scope.prefix + node.name;
  const auto [it, is_new] = variable_numbers_.emplace(name, static_cast<int>(variables_.size()));
  if (is_new) {
    Variable variable{name, &node};
    variable.is_ref = node.op != "VarHandleOp";
    variable.frozen = variables_in_->bundle != nullptr && variables_in_->keys.count(name) > 0 &&
                      variables_in_->keep.count(name) == 0;
    variables_.push_back(std::move(variable));
  }
  return Value{true, it->second, 0};
}

Result<TfType> Expander::variable_type(int number) const {
  const Variable& variable = variables_[number];
  const std::string& key = variables_in_->keys.find(variable.name)->second;
  const Bundle::Entry* entry = variables_in_->bundle->find(key);
  if (entry != nullptr) return entry->dtype;
  return Status(Code::kModel, fmt::format("variable '{}' is not in the checkpoint (key '{}')",
                                          printable(variable.name), printable(key)))
      .fix("the model is incomplete; export it again");
}

Result<int> Expander::variable_const(int number) {
  Variable& variable = variables_[number];
  if (variable.emitted_const >= 0) return variable.emitted_const;
  HONE_ASSIGN_OR_RETURN(const TfType type, variable_type(number));
  const std::string& key = variables_in_->keys.find(variable.name)->second;
  HONE_ASSIGN_OR_RETURN(Tensor tensor, variables_in_->bundle->tensor(key));
  HONE_ASSIGN_OR_RETURN(const ShapeProto shape,
                        variable.node->attr_or("shape", ShapeProto{true, {}}));
  HONE_ASSIGN_OR_RETURN(const TfType declared, variable.node->attr_or("dtype", type));
  if (declared != type || !fits(shape, tensor.shape())) {
    return Status(Code::kModel,
                  fmt::format("the checkpoint has {} {} for a variable of {} {}", type_name(type),
                              to_string(ShapeProto{false, tensor.shape()}), type_name(declared),
                              to_string(shape)))
        .at(fmt::format("variable '{}'", printable(variable.name)))
        .fix("graph and checkpoint do not belong together; export the model again");
  }
  NodeDef node;
  node.name = variable.name;
  node.op = "Const";
  node.attrs["dtype"] = type;
  node.attrs["value"] = TensorProto(std::move(tensor));
  return variable.emitted_const = emit(Scope{}, std::move(node), {}, {});
}

int Expander::variable_handle(int number) {
  Variable& variable = variables_[number];
  if (variable.emitted_handle < 0) {
    NodeDef node = *variable.node;
    node.name = variable.name;
    variable.emitted_handle = emit(Scope{}, std::move(node), {}, {});
  }
  return variable.emitted_handle;
}

}  // namespace hone::tf

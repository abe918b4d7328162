#include "importers/tensorflow/freeze_expand.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace hone::tf {
namespace {

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

std::string node_text(const NodeDef& node) {
  return fmt::format("node '{}' ({})", printable(node.name), printable(node.op));
}

void add_unique(std::vector<int>* list, const std::vector<int>& more) {
  for (const int value : more) {
    if (std::find(list->begin(), list->end(), value) == list->end()) list->push_back(value);
  }
}

}  // namespace

Expander::Expander(const OpDefs* ops, const FunctionIndex* functions, const Variables* variables)
    : ops_(ops), functions_(functions), variables_in_(variables), freezer_(functions) {}

Status Expander::set_graph(const std::vector<NodeDef>& nodes) {
  visits_left_ += kVisitsPerNode * static_cast<int64_t>(nodes.size());
  Scope& scope = scopes_.emplace_back();
  for (const NodeDef& node : nodes) {
    if (!scope.slots.try_emplace(node.name, Slot{&node, State::kNew, {}}).second) {
      return Status(Code::kModel, "two nodes have this name").at(node_text(node));
    }
  }
  return ok();
}

Status Expander::set_function(const FunctionDef& function) {
  HONE_RETURN_IF_ERROR(set_graph(function.nodes));
  Scope& scope = scopes_.front();
  scope.function = &function;
  for (const ArgDef& arg : function.signature.inputs) {
    NodeDef node;
    node.name = arg.name;
    node.op = "Placeholder";
    node.attrs["dtype"] = arg.type;
    scope.args[arg.name] = Value{false, emit(scope, std::move(node), {}, {}), 0};
  }
  return ok();
}

Result<Expander::Value> Expander::expand(const std::string& text) {
  HONE_ASSIGN_OR_RETURN(const TensorRef ref, parse_ref(text));
  Scope& top = scopes_.front();
  Value value;
  if (const auto arg = top.args.find(ref.node); arg != top.args.end()) {
    value = arg->second;
  } else {
    HONE_ASSIGN_OR_RETURN(Slot * slot, find_slot(&top, ref.node));
    if (slot->state == State::kNew) {
      HONE_RETURN_IF_ERROR(start(&top, slot));
      HONE_RETURN_IF_ERROR(run());
    }
    HONE_ASSIGN_OR_RETURN(value, output_of(top, *slot, ref));
  }
  if (value.is_variable) {
    const bool read = variables_[value.node].is_ref && can_freeze(variables_[value.node]);
    if (!read) return Value{false, variable_handle(value.node), 0};
    HONE_ASSIGN_OR_RETURN(const int node, variable_const(value.node));
    return Value{false, node, 0};
  }
  return value;
}

Status Expander::run() {
  while (true) {
    while (!stack_.empty()) {
      bool blocked = false, done = false;
      HONE_RETURN_IF_ERROR(advance(&stack_.back(), &blocked));
      if (blocked) continue;
      HONE_RETURN_IF_ERROR(finish(&stack_.back(), &done));
      if (!done) continue;
      stack_.back().slot->state = State::kDone;
      stack_.pop_back();
    }
    // The loop is closed when everything before it is there.
    if (back_edges_.empty()) return ok();
    const BackEdge edge = back_edges_.back();
    HONE_ASSIGN_OR_RETURN(const TensorRef ref, parse_ref(edge.ref));
    HONE_ASSIGN_OR_RETURN(Slot * slot, find_slot(edge.scope, ref.node));
    if (slot->state == State::kNew) {
      HONE_RETURN_IF_ERROR(start(edge.scope, slot));
      continue;
    }
    HONE_ASSIGN_OR_RETURN(emitted_[edge.merge].inputs[edge.input],
                          output_of(*edge.scope, *slot, ref));
    back_edges_.pop_back();
  }
}

Status Expander::start(Scope* scope, Slot* slot) {
  if (--visits_left_ < 0) {
    return Status(Code::kOutOfResources, "inlining the functions would give far too many nodes")
        .at(node_text(*slot->node))
        .fix("the file looks damaged or hostile; export the model again");
  }
  slot->state = State::kBusy;
  Task task;
  task.scope = scope;
  task.slot = slot;
  for (const std::string& input : slot->node->inputs)
    task.dependencies.push_back({scope, input, false});
  stack_.push_back(std::move(task));
  return ok();
}

// Collects values of dependencies until one is missing; then its task is on top.
Status Expander::advance(Task* task, bool* blocked) {
  for (; task->next < task->dependencies.size(); ++task->next) {
    const auto& [scope, text, is_control] = task->dependencies[task->next];
    const auto where = [&] { return node_text(*task->slot->node); };
    const auto ref = parse_ref(text);
    if (!ref.ok()) return Status(ref.status()).at(where());
    if (const auto arg = scope->args.find(ref->node); arg != scope->args.end()) {
      if (!ref->control && !is_control) task->values.push_back(arg->second);
      continue;
    }
    const auto slot = find_slot(scope, ref->node);
    if (!slot.ok()) return Status(slot.status()).at(where());
    if (is_back_edge(*task, **slot)) {
      task->values.push_back({});
      continue;
    }
    switch ((*slot)->state) {
      case State::kNew:
        *blocked = true;
        return start(scope, *slot);
      case State::kBusy:
        return cycle_error(*slot);
      case State::kDone:
        break;
    }
    if (ref->control || is_control) {
      add_unique(&task->effects, (*slot)->outcome.effects);
      continue;
    }
    const auto value = output_of(*scope, **slot, *ref);
    if (!value.ok()) return Status(value.status()).at(where());
    task->values.push_back(*value);
  }
  return ok();
}

bool Expander::is_back_edge(const Task& task, const Slot& producer) const {
  return is_one_of(task.slot->node->op, {"Merge", "RefMerge"}) &&
         is_one_of(producer.node->op, {"NextIteration", "RefNextIteration"});
}

Status Expander::cycle_error(const Slot* from) const {
  constexpr size_t kMostNames = 8;
  std::vector<std::string> names;
  bool inside = false;
  for (const Task& task : stack_) {
    inside |= task.slot == from;
    if (inside) names.push_back(fmt::format("'{}'", printable(task.slot->node->name)));
  }
  const size_t count = names.size();
  if (count > kMostNames) names.resize(kMostNames);
  return Status(Code::kModel, fmt::format("{} nodes form a cycle: {}{}", count, join(names, " <- "),
                                          count > kMostNames ? " ..." : ""))
      .because("only NextIteration may go back to an earlier node, a Merge");
}

Result<Expander::Slot*> Expander::find_slot(Scope* scope, std::string_view name) const {
  const auto it = scope->slots.find(name);
  if (it != scope->slots.end()) return &it->second;
  Status status(Code::kModel, fmt::format("there is no node '{}'", printable(name)));
  if (scope->function == nullptr) return status;
  return std::move(status).at(
      fmt::format("function '{}'", printable(scope->function->signature.name)));
}

Result<Expander::Value> Expander::output_of(const Scope& scope, const Slot& slot,
                                            const TensorRef& ref) const {
  int index = ref.index;
  if (scope.function != nullptr && !ref.arg.empty()) {
    HONE_ASSIGN_OR_RETURN(index, ops_->output_index(*slot.node, ref.arg, ref.index));
  }
  const Outcome& outcome = slot.outcome;
  if (const auto it = outcome.instead.find(index); it != outcome.instead.end()) return it->second;
  if (outcome.node < 0) {
    return Status(Code::kModel, fmt::format("there is no output {}", index))
        .at(node_text(*slot.node));
  }
  return Value{false, outcome.node, index};
}

// All dependencies are there: makes the outcome, or (a call) asks for more dependencies.
Status Expander::finish(Task* task, bool* done) {
  *done = true;
  const NodeDef& node = *task->slot->node;
  if (task->inner != nullptr) return leave_call(task);
  HONE_ASSIGN_OR_RETURN(const FunctionDef* function, called_function(node, *functions_));
  if (function != nullptr) {
    *done = false;
    return enter_call(task, *function);
  }
  if (is_one_of(node.op, {"VarHandleOp", "Variable", "VariableV2"})) {
    task->slot->outcome.instead[0] = new_variable(*task->scope, node);
    return ok();
  }
  for (const auto step :
       {&Expander::pass_through, &Expander::read_variable, &Expander::freeze_control_flow}) {
    HONE_ASSIGN_OR_RETURN(const bool handled, (this->*step)(task));
    if (handled) return ok();
  }
  return emit_plain(task);
}

Status Expander::enter_call(Task* task, const FunctionDef& function) {
  const NodeDef& node = *task->slot->node;
  const auto fail = [&](std::string what) {
    return Status(Code::kModel, std::move(what)).at(node_text(node));
  };
  const std::string name = printable(function.signature.name);
  for (const Scope* outer = task->scope; outer != nullptr; outer = outer->parent) {
    if (outer->function == &function) return fail(fmt::format("function '{}' calls itself", name));
  }
  if (task->scope->depth >= kMaxCallDepth) {
    return fail(fmt::format("calls are nested more than {} deep", kMaxCallDepth));
  }
  if (task->values.size() != function.signature.inputs.size()) {
    return fail(fmt::format("it has {} inputs, but function '{}' takes {}", task->values.size(),
                            name, function.signature.inputs.size()));
  }
  Scope& inner = scopes_.emplace_back();
  inner.parent = task->scope;
  inner.function = &function;
  inner.prefix = task->scope->prefix + node.name + "/";
  inner.depth = task->scope->depth + 1;
  inner.controls = task->scope->controls;
  add_unique(&inner.controls, task->effects);
  for (const NodeDef& body : function.nodes) {
    if (!inner.slots.try_emplace(body.name, Slot{&body, State::kNew, {}}).second) {
      return fail(fmt::format("function '{}' has two nodes '{}'", name, printable(body.name)));
    }
  }
  if ((visits_left_ -= static_cast<int64_t>(function.nodes.size())) < 0) visits_left_ = 0;
  for (size_t i = 0; i < task->values.size(); ++i) {
    inner.args[function.signature.inputs[i].name] = task->values[i];
  }
  task->inner = &inner;
  task->num_inputs = task->values.size();
  for (const ArgDef& output : function.signature.outputs) {
    const auto ret = function.ret.find(output.name);
    if (ret == function.ret.end()) {
      return fail(fmt::format("function '{}' does not return '{}'", name, printable(output.name)));
    }
    task->dependencies.push_back({&inner, ret->second, false});
  }
  for (const auto& [output, body_node] : function.control_ret) {
    task->dependencies.push_back({&inner, body_node, true});
  }
  return ok();
}

Status Expander::leave_call(Task* task) {
  Outcome& outcome = task->slot->outcome;
  const FunctionDef& function = *task->inner->function;
  const size_t num_outputs = function.signature.outputs.size();
  for (size_t i = 0; i < num_outputs; ++i) {
    outcome.instead[static_cast<int>(i)] = task->values[task->num_inputs + i];
  }
  outcome.effects = task->inner->controls;
  for (const auto& [output, body_node] : function.control_ret) {
    const auto slot = task->inner->slots.find(body_node);
    if (slot != task->inner->slots.end())
      add_unique(&outcome.effects, slot->second.outcome.effects);
  }
  for (const auto& [index, value] : outcome.instead) {
    if (!value.is_variable && value.node >= 0 && emitted_[value.node].ordered) {
      add_unique(&outcome.effects, {value.node});
    }
  }
  return ok();
}

void Expander::settle(Task* task, int node) {
  task->slot->outcome.node = node;
  if (emitted_[node].ordered) task->slot->outcome.effects = {node};
}

int Expander::emit(const Scope& scope, NodeDef node, std::vector<Value> inputs,
                   std::vector<int> effects) {
  Emitted emitted;
  emitted.full_name = scope.prefix + node.name;
  emitted.has_effects = node_has_effects(node, 0);
  emitted.ordered = emitted.has_effects || !effects.empty() ||
                    is_one_of(node.op, {"Switch", "RefSwitch", "Merge", "RefMerge", "Enter",
                                        "RefEnter", "Exit", "RefExit", "LoopCond"});
  for (const Value& value : inputs) {
    if (!value.is_variable && value.node >= 0) emitted.ordered |= emitted_[value.node].ordered;
  }
  if (emitted.has_effects) add_unique(&effects, scope.controls);
  node.inputs.clear();
  emitted.node = std::move(node);
  emitted.inputs = std::move(inputs);
  emitted.controls = std::move(effects);
  emitted_.push_back(std::move(emitted));
  return static_cast<int>(emitted_.size()) - 1;
}

}  // namespace hone::tf

#include "graph/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace hone {
namespace {

// How far back a new run-time check is compared with earlier ones; repeated inference of the same
// nodes must not grow the list for ever, and the search must not be quadratic.
constexpr size_t kRecentChecks = 256;

template <class Map>
std::string unique_name(const Map& taken, std::unordered_map<std::string, int>* suffixes,
                        std::string wanted) {
  if (!taken.contains(wanted)) return wanted;
  int& suffix = (*suffixes)[wanted];
  std::string name;
  do {
    name = fmt::format("{}_{}", wanted, ++suffix);
  } while (taken.contains(name));
  return name;
}

std::string place(std::string_view name, const OpDef& op) {
  return fmt::format("node '{}' ({})", printable(name), op.name);
}

// The elements of a small integer constant as expressions.
DimValues constant_values(const Tensor& tensor) {
  if (!is_integer(tensor.dtype())) return std::nullopt;
  auto integers = tensor.as_int64s(kMaxDimValues);
  if (!integers) return std::nullopt;
  return std::vector<Dim>(integers->begin(), integers->end());
}

void drop_repeated_checks(SymbolScope* symbols, size_t old_size) {
  auto& checks = symbols->must_be_equal;
  size_t kept = old_size;
  for (size_t i = old_size; i < checks.size(); ++i) {
    auto first = checks.begin() + (kept > kRecentChecks ? kept - kRecentChecks : 0);
    auto last = checks.begin() + kept;
    if (std::find(first, last, checks[i]) != last) continue;
    if (kept != i) checks[kept] = std::move(checks[i]);
    ++kept;
  }
  checks.resize(kept);
}

}  // namespace

// --- Building.

Value* Graph::new_value(std::string name, TensorType type) {
  if (name.empty()) name = "value";
  name = unique_name(values_, &value_suffixes_, std::move(name));
  auto value = std::make_unique<Value>();
  Value* result = value.get();
  result->name_ = name;
  result->type_ = std::move(type);
  values_.emplace(std::move(name), std::move(value));
  return result;
}

Value* Graph::add_input(std::string name, TensorType type) {
  Value* value = new_value(name, std::move(type));
  value->source_ = std::move(name);
  value->is_input_ = true;
  inputs_.push_back(value);
  return value;
}

Value* Graph::add_constant(std::string name, Tensor tensor, std::string source) {
  Value* value = new_value(std::move(name), {tensor.dtype(), to_shape(tensor.shape())});
  value->source_ = std::move(source);
  value->values_ = constant_values(tensor);
  value->constant_ = std::move(tensor);
  value->constant_pos_ = constants_.insert(constants_.end(), value);
  return value;
}

Status Graph::infer_outputs(const OpDef& op, const Attributes& attributes, const Program& epilogue,
                            const std::vector<Value*>& inputs, InferContext* context) {
  context->attributes = &attributes;
  context->symbols = &symbols_;
  context->inputs.reserve(inputs.size());
  for (const Value* input : inputs) {
    if (input) {
      context->inputs.push_back({input->type_, input->constant(), input->values_});
    } else {  // absent, as in a default-constructed Tensor
      context->inputs.push_back({{DataType::f32, {Dim(0)}}, nullptr, std::nullopt});
    }
  }
  const int old_next = symbols_.next;
  const size_t old_checks = symbols_.must_be_equal.size();
  Status status = infer_types(op, epilogue, *context);
  if (!status.ok()) {
    symbols_.next = old_next;
    symbols_.must_be_equal.resize(old_checks);
    return status;
  }
  drop_repeated_checks(&symbols_, old_checks);
  context->output_values.resize(context->outputs.size());
  // The epilogue changes the elements that the root operator knew.
  if (!epilogue.empty()) context->output_values.assign(context->outputs.size(), std::nullopt);
  return ok();
}

Result<Node*> Graph::add_node(std::string_view op_name, Attributes attributes,
                              std::vector<Value*> inputs, NodeOptions options) {
  const OpDef* op = find_op(op_name);
  if (!op) {
    return Status(Code::kModel, fmt::format("there is no operator '{}'", printable(op_name)))
        .at(fmt::format("node '{}'", printable(options.name)));
  }
  return add_node(*op, std::move(attributes), std::move(inputs), std::move(options));
}

Result<Node*> Graph::add_node(const OpDef& op, Attributes attributes, std::vector<Value*> inputs,
                              NodeOptions options) {
  if (attributes.empty()) attributes = op.defaults;
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();
  if (options.name.empty()) options.name = op.name;
  InferContext context;
  Status status = infer_outputs(op, attributes, options.epilogue, inputs, &context);
  if (!status.ok()) return std::move(status).at(place(options.name, op));

  auto owned = std::make_unique<Node>();
  Node* node = owned.get();
  node->name_ = unique_name(node_names_, &node_suffixes_, options.name);
  node_names_.emplace(node->name_, node);
  node->op_ = &op;
  node->attributes_ = std::move(attributes);
  node->epilogue_ = std::move(options.epilogue);
  node->sources_ = std::move(options.sources);
  if (node->sources_.empty()) node->sources_ = {options.name};
  node->self_ =
      nodes_.insert(options.before ? options.before->self_ : nodes_.end(), std::move(owned));
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    const bool named = i < options.output_names.size() && !options.output_names[i].empty();
    std::string name = named    ? options.output_names[i]
                       : i == 0 ? node->name_
                                : fmt::format("{}_{}", node->name_, i);
    Value* value = new_value(std::move(name), std::move(context.outputs[i]));
    if (named) value->source_ = std::move(options.output_names[i]);
    value->values_ = std::move(context.output_values[i]);
    value->producer_ = node;
    value->output_index_ = static_cast<int>(i);
    node->outputs_.push_back(value);
  }
  set_inputs(node, std::move(inputs));
  return node;
}

Result<Value*> Graph::add(std::string_view op_name, Attributes attributes,
                          std::vector<Value*> inputs, NodeOptions options) {
  HONE_ASSIGN_OR_RETURN(
      Node * node, add_node(op_name, std::move(attributes), std::move(inputs), std::move(options)));
  return node->output();
}

void Graph::add_output(Value* value, std::string name) {
  ++value->output_count_;
  outputs_.push_back(value);
  output_names_.push_back(std::move(name));
}

Graph Graph::clone() const {
  Graph copy;
  std::unordered_map<const Value*, Value*> values;
  std::unordered_map<const Node*, Node*> nodes;
  for (const auto& [value_name, value] : values_) {
    auto owned = std::make_unique<Value>(*value);
    values.emplace(value.get(), owned.get());
    copy.values_.emplace(value_name, std::move(owned));
  }
  auto translate = [&values](std::vector<Value*>* list) {
    for (Value*& value : *list) value = value ? values.at(value) : nullptr;
  };
  for (const auto& node : nodes_) {
    auto owned = std::make_unique<Node>(*node);
    nodes.emplace(node.get(), owned.get());
    copy.node_names_.emplace(owned->name_, owned.get());
    translate(&owned->inputs_);
    translate(&owned->outputs_);
    copy.nodes_.push_back(std::move(owned));
    copy.nodes_.back()->self_ = std::prev(copy.nodes_.end());
  }
  for (const Value* constant : constants_) {
    Value* value = values.at(constant);
    value->constant_pos_ = copy.constants_.insert(copy.constants_.end(), value);
  }
  for (auto& [value_name, value] : copy.values_) {
    if (value->producer_) value->producer_ = nodes.at(value->producer_);
    for (Use& use : value->uses_) use.node = nodes.at(use.node);
  }
  copy.name = name;
  copy.inputs_ = inputs_;
  copy.outputs_ = outputs_;
  translate(&copy.inputs_);
  translate(&copy.outputs_);
  copy.output_names_ = output_names_;
  copy.symbols_ = symbols_;
  copy.value_suffixes_ = value_suffixes_;
  copy.node_suffixes_ = node_suffixes_;
  return copy;
}

// --- Reading.

std::vector<Node*> Graph::nodes() const {
  std::vector<Node*> list;
  list.reserve(nodes_.size());
  for (const auto& node : nodes_) list.push_back(node.get());
  return list;
}

std::vector<Value*> Graph::values() const {
  std::vector<Value*> list = inputs_;
  list.reserve(values_.size());
  list.insert(list.end(), constants_.begin(), constants_.end());
  for (const auto& node : nodes_) {
    list.insert(list.end(), node->outputs_.begin(), node->outputs_.end());
  }
  return list;
}

Value* Graph::find_value(std::string_view name) const {
  auto it = values_.find(std::string(name));
  return it == values_.end() ? nullptr : it->second.get();
}

Node* Graph::find_node(std::string_view name) const {
  auto it = node_names_.find(std::string(name));
  return it == node_names_.end() ? nullptr : it->second;
}

// --- Editing.

void Graph::add_use(Value* value, Node* node, int index) {
  node->inputs_[index] = value;
  if (!value) return;
  node->slots_[index] = value->uses_.size();
  value->uses_.push_back({node, index});
}

// The last use takes the place of the removed one.
void Graph::remove_use(Node* node, int index) {
  Value* value = node->inputs_[index];
  if (!value) return;
  const size_t slot = node->slots_[index];
  HONE_CHECK(slot < value->uses_.size() && value->uses_[slot] == (Use{node, index}));
  const Use last = value->uses_.back();
  value->uses_[slot] = last;
  last.node->slots_[last.index] = slot;
  value->uses_.pop_back();
  node->inputs_[index] = nullptr;
}

void Graph::replace_uses(Value* from, Value* to, const Node* except) {
  if (from == to) return;
  std::vector<Use> uses = std::move(from->uses_);
  from->uses_.clear();
  for (const Use& use : uses) add_use(use.node == except ? from : to, use.node, use.index);
  if (from->output_count_ == 0) return;
  for (Value*& output : outputs_) {
    if (output == from) output = to;
  }
  to->output_count_ += from->output_count_;
  from->output_count_ = 0;
}

void Graph::set_input(Node* node, int index, Value* value) {
  HONE_CHECK(index >= 0 && index < static_cast<int>(node->inputs_.size()));
  remove_use(node, index);
  add_use(value, node, index);
}

void Graph::set_inputs(Node* node, std::vector<Value*> inputs) {
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();
  for (size_t i = 0; i < node->inputs_.size(); ++i) remove_use(node, static_cast<int>(i));
  node->inputs_.assign(inputs.size(), nullptr);
  node->slots_.assign(inputs.size(), 0);
  for (size_t i = 0; i < inputs.size(); ++i) add_use(inputs[i], node, static_cast<int>(i));
}

Status Graph::append_epilogue(Node* node, const Program& program,
                              const std::vector<Value*>& extra) {
  if (program.empty() && extra.empty()) return ok();
  if (node->outputs_.size() != 1 || program.empty() ||
      program.num_inputs != static_cast<int>(extra.size()) + 1) {
    return Status(Code::kInternal, fmt::format("an epilogue of {} inputs does not fit {} values",
                                               program.num_inputs, extra.size() + 1))
        .at(place(node->name_, *node->op_));
  }
  Program old_epilogue = node->epilogue_;
  std::vector<Value*> old_inputs = node->inputs_;
  std::vector<Value*> inputs = node->inputs_;
  inputs.insert(inputs.end(), extra.begin(), extra.end());
  node->epilogue_ = compose(old_epilogue, program, 0);
  set_inputs(node, std::move(inputs));
  Status status = infer(node);
  if (!status.ok()) {
    node->epilogue_ = std::move(old_epilogue);
    set_inputs(node, std::move(old_inputs));
  }
  return status;
}

void Graph::add_sources(Node* node, const std::vector<std::string>& sources) {
  node->sources_.insert(node->sources_.end(), sources.begin(), sources.end());
}

void Graph::rename(Value* value, std::string name) {
  if (name == value->name_) return;
  auto entry = values_.extract(value->name_);
  HONE_CHECK(!entry.empty() && entry.mapped().get() == value);
  if (name.empty()) name = "value";
  value->name_ = entry.key() = unique_name(values_, &value_suffixes_, std::move(name));
  values_.insert(std::move(entry));
}

void Graph::set_output(size_t index, Value* value) {
  HONE_CHECK(index < outputs_.size());
  --outputs_[index]->output_count_;
  ++value->output_count_;
  outputs_[index] = value;
}

Status Graph::infer(Node* node) {
  InferContext context;
  Status status =
      infer_outputs(*node->op_, node->attributes_, node->epilogue_, node->inputs_, &context);
  if (status.ok() && context.outputs.size() != node->outputs_.size()) {
    status =
        Status(Code::kInternal, fmt::format("an edit changed the number of outputs from {} to {}",
                                            node->outputs_.size(), context.outputs.size()));
  }
  if (!status.ok()) return std::move(status).at(place(node->name_, *node->op_));
  for (size_t i = 0; i < node->outputs_.size(); ++i) {
    node->outputs_[i]->type_ = std::move(context.outputs[i]);
    node->outputs_[i]->values_ = std::move(context.output_values[i]);
  }
  return ok();
}

void Graph::erase_value(Value* value) {
  HONE_CHECK(value->uses_.empty() && value->output_count_ == 0);
  if (value->constant_) constants_.erase(value->constant_pos_);
  HONE_CHECK(values_.erase(std::string(value->name_)) == 1);
}

void Graph::erase(Node* node) {
  for (size_t i = 0; i < node->inputs_.size(); ++i) remove_use(node, static_cast<int>(i));
  for (Value* output : node->outputs_) erase_value(output);
  node_names_.erase(node->name_);
  nodes_.erase(node->self_);  // deletes it
}

bool Graph::remove_dead() {
  auto is_dead = [](const Node* node) {
    return std::all_of(node->outputs_.begin(), node->outputs_.end(), [](const Value* value) {
      return value->uses_.empty() && !value->is_graph_output();
    });
  };
  std::vector<Node*> dead;
  for (const auto& node : nodes_) {
    if (is_dead(node.get())) dead.push_back(node.get());
  }
  bool changed = !dead.empty();
  while (!dead.empty()) {
    Node* node = dead.back();
    dead.pop_back();
    // A producer dies with its last user: exactly once, when the last of its uses goes.
    for (size_t i = 0; i < node->inputs_.size(); ++i) {
      Value* input = node->inputs_[i];
      remove_use(node, static_cast<int>(i));
      if (input && input->producer_ && input->uses_.empty() && is_dead(input->producer_)) {
        dead.push_back(input->producer_);
      }
    }
    erase(node);
  }
  for (auto it = constants_.begin(); it != constants_.end();) {
    Value* value = *it++;
    if (!value->uses_.empty() || value->is_graph_output()) continue;
    erase_value(value);
    changed = true;
  }
  return changed;
}

// Depth-first from each node in the present order, producers first: an order that is already right
// stays as it is. The path is a list of its own, so that depth is no matter.
Status Graph::sort() {
  enum State : char { kNew, kOnPath, kDone };
  std::unordered_map<const Node*, State> states;
  std::vector<std::pair<Node*, size_t>> path;  // node, next input to look at
  std::list<std::unique_ptr<Node>> sorted;
  std::vector<Node*> present = nodes();
  for (Node* start : present) {
    if (states[start] != kNew) continue;
    path.push_back({start, 0});
    states[start] = kOnPath;
    while (!path.empty()) {
      auto& [node, next] = path.back();
      if (next == node->inputs_.size()) {
        states[node] = kDone;
        sorted.splice(sorted.end(), nodes_, node->self_);
        path.pop_back();
        continue;
      }
      const Value* input = node->inputs_[next++];
      Node* producer = input ? input->producer_ : nullptr;
      if (!producer || states[producer] == kDone) continue;
      if (states[producer] == kOnPath) {
        std::string cycle;
        size_t i = path.size();
        while (path[i - 1].first != producer) --i;
        const size_t shown = std::min(path.size(), i + 7);
        for (size_t k = i - 1; k < shown; ++k) {
          cycle += fmt::format("'{}' <- ", printable(path[k].first->name()));
        }
        if (shown < path.size()) cycle += "... <- ";
        cycle += fmt::format("'{}'", printable(producer->name()));
        nodes_.splice(nodes_.begin(), sorted);
        return Status(Code::kModel, "the graph has a cycle").because(std::move(cycle));
      }
      states[producer] = kOnPath;
      path.push_back({producer, 0});
    }
  }
  nodes_ = std::move(sorted);
  return ok();
}

}  // namespace hone

#include "importers/tensorflow/freeze.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "importers/tensorflow/freeze_expand.h"
#include "importers/tensorflow/freeze_variables.h"

namespace hone::tf {
namespace {

using Value = Expander::Value;
using Port = FrozenGraph::Port;

// A port before its tensor has its final name.
struct Wanted {
  Port port;
  std::string ref;  // in the source graph
};

// Turns what an Expander emitted into a FrozenGraph: prunes, names, wires.
class Finisher {
 public:
  Finisher(const Expander& expander, FrozenGraph* out) : nodes_(expander.nodes()), out_(*out) {}

  void keep(int node) { roots_.push_back(node); }

  void finish() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].has_effects) keep(static_cast<int>(i));
    }
    mark();
    choose_names();
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!kept_[i]) continue;
      NodeDef node = nodes_[i].node;
      node.name = names_[i];
      for (const Value& input : nodes_[i].inputs) node.inputs.push_back(name_of(input));
      for (const int control : nodes_[i].controls) node.inputs.push_back("^" + names_[control]);
      if (nodes_[i].has_effects) out_.side_effects.push_back(node.name);
      out_.graph.nodes.push_back(std::move(node));
    }
  }

  std::string name_of(const Value& value) const {
    return value.index == 0 ? names_[value.node]
                            : fmt::format("{}:{}", names_[value.node], value.index);
  }
  std::string port_name(const Value& value) const {
    return fmt::format("{}:{}", names_[value.node], value.index);
  }

 private:
  void mark() {
    kept_.assign(nodes_.size(), false);
    std::vector<int> todo = roots_;
    while (!todo.empty()) {
      const int i = todo.back();
      todo.pop_back();
      if (kept_[i]) continue;
      kept_[i] = true;
      for (const Value& input : nodes_[i].inputs) todo.push_back(input.node);
      todo.insert(todo.end(), nodes_[i].controls.begin(), nodes_[i].controls.end());
    }
  }

  // Top-level names first, then own names that occur once, then names with the calls in front.
  void choose_names() {
    names_.resize(nodes_.size());
    std::unordered_map<std::string_view, int> own;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (kept_[i]) ++own[nodes_[i].node.name];
    }
    std::unordered_set<std::string> taken;
    for (const bool top : {true, false}) {
      for (size_t i = 0; i < nodes_.size(); ++i) {
        const Expander::Emitted& node = nodes_[i];
        if (!kept_[i] || top != (node.full_name == node.node.name)) continue;
        std::string name = top || own[node.node.name] == 1 ? node.node.name : node.full_name;
        if (taken.count(name) > 0) name = node.full_name;
        const std::string base = name;
        for (int n = 1; !taken.insert(name).second; ++n) name = fmt::format("{}_{}", base, n);
        names_[i] = std::move(name);
      }
    }
  }

  const std::deque<Expander::Emitted>& nodes_;
  FrozenGraph& out_;
  std::vector<int> roots_;
  std::vector<bool> kept_;
  std::vector<std::string> names_;
};

// Copies the functions that the nodes of the graph name, directly or through each other.
void copy_functions(const FunctionFreezer& functions, GraphDef* graph) {
  std::set<std::string> seen;
  std::vector<std::string> todo;
  const auto visit = [&](const std::vector<NodeDef>& nodes) {
    for (const NodeDef& node : nodes) {
      todo.push_back(node.op);
      for (std::string& name : named_functions(node)) todo.push_back(std::move(name));
    }
  };
  visit(graph->nodes);
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    const FunctionDef* function = functions.find(name);
    if (function == nullptr || !seen.insert(name).second) continue;
    graph->library.functions.push_back(*function);
    visit(function->nodes);
  }
  std::sort(graph->library.functions.begin(), graph->library.functions.end(),
            [](const auto& a, const auto& b) { return a.signature.name < b.signature.name; });
}

// Expands the wanted tensors and assembles the result.
Result<FrozenGraph> assemble(Expander* expander, const std::vector<Wanted>& inputs,
                             const std::vector<Wanted>& outputs, const Versions& versions) {
  FrozenGraph result;
  result.graph.versions = versions;
  std::vector<Value> values;
  for (const auto* list : {&inputs, &outputs}) {
    for (const Wanted& wanted : *list) {
      auto value = expander->expand(wanted.ref);
      if (!value.ok()) {
        return Status(value.status())
            .at(fmt::format("{} '{}'", list == &inputs ? "input" : "output",
                            printable(wanted.port.key)));
      }
      values.push_back(*value);
    }
  }
  Finisher finisher(*expander, &result);
  for (const Value& value : values) finisher.keep(value.node);
  finisher.finish();
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_input = i < inputs.size();
    Port port = is_input ? inputs[i].port : outputs[i - inputs.size()].port;
    port.tensor = finisher.port_name(values[i]);
    (is_input ? result.inputs : result.outputs).push_back(std::move(port));
  }
  copy_functions(expander->functions_made(), &result.graph);
  return result;
}

Result<std::vector<Wanted>> signature_ports(
    const std::map<std::string, TensorSpec, std::less<>>& specs) {
  std::vector<Wanted> ports;
  for (const auto& [key, spec] : specs) {
    if (spec.composite) {
      return Status(
                 Code::kUnsupported,
                 fmt::format("'{}' of the signature is a sparse or ragged tensor", printable(key)))
          .fix("give the signature dense tensors");
    }
    ports.push_back({Port{key, "", spec.dtype, spec.shape}, spec.name});
  }
  return ports;
}

Result<FrozenGraph> freeze(const SavedModel& model, const SignatureDef& signature) {
  const MetaGraph& meta = model.meta;
  HONE_ASSIGN_OR_RETURN(const auto inputs, signature_ports(signature.inputs));
  HONE_ASSIGN_OR_RETURN(const auto outputs, signature_ports(signature.outputs));
  const FunctionIndex functions(meta.graph.library);
  const OpDefs ops(meta.op_defs, &functions);
  Expander::Variables variables;
  if (model.variables != nullptr) {
    variables.bundle = model.variables.get();
    HONE_ASSIGN_OR_RETURN(variables.keys, find_variable_keys(meta, functions));
  }
  // A variable is frozen until something that writes it is met; then from the start without it.
  // Each round finds at least one more; usually the first finds none, the second all.
  constexpr int kMostRounds = 16;
  for (int round = 0; round < kMostRounds; ++round) {
    Expander expander(&ops, &functions, &variables);
    HONE_RETURN_IF_ERROR(expander.set_graph(meta.graph.nodes));
    HONE_ASSIGN_OR_RETURN(FrozenGraph result,
                          assemble(&expander, inputs, outputs, meta.graph.versions));
    if (expander.unfreezable().empty()) {
      result.op_defs = meta.op_defs;
      return result;
    }
    variables.keep.insert(expander.unfreezable().begin(), expander.unfreezable().end());
  }
  return Status(Code::kUnsupported, "the signature writes variables in too many ways");
}

// The tensors nobody uses, of nodes that compute something.
Result<std::vector<Wanted>> find_sinks(const GraphDef& graph, const OpDefs& ops) {
  std::unordered_set<std::string_view> used;
  for (const NodeDef& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      HONE_ASSIGN_OR_RETURN(const TensorRef ref, parse_ref(input));
      used.insert(ref.node);
    }
  }
  std::vector<Wanted> sinks;
  for (const NodeDef& node : graph.nodes) {
    const bool is_result = used.count(node.name) == 0 && node.op != "NoOp" && node.op != "Const" &&
                           node.op != "Placeholder" && !ops.has_side_effects(node.op);
    if (!is_result) continue;
    HONE_ASSIGN_OR_RETURN(int count, ops.num_outputs(node));
    if (node.op.starts_with("FusedBatchNorm")) count = 1;  // the others are statistics
    for (int i = 0; i < count; ++i) {
      const std::string suffix = i == 0 ? "" : fmt::format(":{}", i);
      Wanted wanted{Port{node.name + suffix, "", TfType::kInvalid, ShapeProto{true, {}}},
                    node.name + suffix};
      sinks.push_back(std::move(wanted));
    }
  }
  return sinks;
}

Result<FrozenGraph> freeze(const GraphDef& graph) {
  const FunctionIndex functions(graph.library);
  const OpDefs ops({}, &functions);
  const Expander::Variables variables;
  HONE_ASSIGN_OR_RETURN(const auto outputs, find_sinks(graph, ops));
  std::vector<Wanted> inputs;
  for (const NodeDef& node : graph.nodes) {
    if (node.op != "Placeholder") continue;
    HONE_ASSIGN_OR_RETURN(const TfType dtype, node.attr_or("dtype", TfType::kInvalid));
    HONE_ASSIGN_OR_RETURN(const ShapeProto shape, node.attr_or("shape", ShapeProto{true, {}}));
    inputs.push_back({Port{node.name, "", dtype, shape}, node.name});
  }
  Expander expander(&ops, &functions, &variables);
  HONE_RETURN_IF_ERROR(expander.set_graph(graph.nodes));
  return assemble(&expander, inputs, outputs, graph.versions);
}

}  // namespace

Result<FrozenGraph> freeze_signature(const SavedModel& model, std::string_view signature) {
  const auto where = [&](const Status& status) { return Status(status).at(model.directory); };
  const auto name = choose_signature(model.meta, signature);
  if (!name.ok()) return where(name.status());
  auto result = freeze(model, model.meta.signatures.find(*name)->second);
  if (!result.ok()) return where(result.status());
  return result;
}

Result<FrozenGraph> freeze_graph_def(const GraphDef& graph, const std::string& name) {
  auto result = freeze(graph);
  if (!result.ok()) return Status(result.status()).at(name);
  return result;
}

Result<FrozenGraph> read_frozen_graph(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const GraphDef graph, read_graph_def(path));
  return freeze_graph_def(graph, path);
}

Result<FrozenGraph> flatten_function(const FrozenGraph& graph, std::string_view name) {
  const std::string where = fmt::format("function '{}'", printable(name));
  const FunctionIndex functions(graph.graph.library);
  const FunctionDef* function = functions.find(name);
  if (function == nullptr) return Status(Code::kModel, "it is not in the library").at(where);
  const OpDefs ops(graph.op_defs, &functions);
  const Expander::Variables variables;
  Expander expander(&ops, &functions, &variables);
  if (Status status = expander.set_function(*function); !status.ok()) {
    return std::move(status).at(where);
  }
  std::vector<Wanted> inputs, outputs;
  for (const ArgDef& arg : function->signature.inputs) {
    inputs.push_back({Port{arg.name, "", arg.type, ShapeProto{true, {}}}, arg.name});
  }
  for (const ArgDef& arg : function->signature.outputs) {
    const auto ret = function->ret.find(arg.name);
    if (ret == function->ret.end()) {
      return Status(Code::kModel, fmt::format("it does not return '{}'", printable(arg.name)))
          .at(where);
    }
    outputs.push_back({Port{arg.name, "", arg.type, ShapeProto{true, {}}}, ret->second});
  }
  auto result = assemble(&expander, inputs, outputs, graph.graph.versions);
  if (!result.ok()) return Status(result.status()).at(where);
  result->op_defs = graph.op_defs;
  return result;
}

}  // namespace hone::tf

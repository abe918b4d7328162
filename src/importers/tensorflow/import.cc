#include "importers/tensorflow/import.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "importers/tensorflow/node_importer.h"
#include "importers/tensorflow/op_defs.h"

namespace hone::tf {
namespace {

// Operators that Hone does not run, but whose output has dtype and shape of their first input.
bool keeps_type(std::string_view op) {
  constexpr std::string_view kOps[] = {
      "BesselI0e", "BesselI1e",   "CheckNumerics", "Cholesky", "Cumprod",  "Cumsum",
      "Digamma",   "EnsureShape", "Erfinv",        "Invert",   "Lgamma",   "MatrixInverse",
      "Ndtri",     "Print",       "ReverseV2",     "Roll",     "Relu6Grad"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

// The same for operators that broadcast: only where all inputs have one type.
bool keeps_common_type(std::string_view op) {
  constexpr std::string_view kOps[] = {"Atan2",  "Betainc", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
                                       "Igamma", "Igammac", "NextAfter",  "Polygamma", "Zeta"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

// How the reason begins that a node is not imported because another one was not.
constexpr std::string_view kUnknownInput = "the type of its input";

// "node" and "node:0" are the same tensor.
std::string tensor_name(std::string_view reference) {
  return std::string(reference.find(':') == std::string_view::npos ? fmt::format("{}:0", reference)
                                                                   : std::string(reference));
}

// Walks nodes in order, keeps the Value of every tensor.
class Walk {
 public:
  Walk(const FrozenGraph& frozen, Graph& graph) : frozen_(frozen), graph_(graph) {
    for (size_t i = 0; i < frozen.graph.nodes.size(); ++i) index_[frozen.graph.nodes[i].name] = i;
  }

  void define(const std::string& tensor, Value* value) { values_[tensor] = value; }
  Value* find(const std::string& tensor) const {
    const auto it = values_.find(tensor);
    return it == values_.end() ? nullptr : it->second;
  }

  // The Value of a tensor; Const nodes are brought in when first used.
  Result<Value*> value_of(const std::string& tensor) {
    if (Value* known = find(tensor)) return known;
    const size_t colon = tensor.rfind(':');
    const auto it = index_.find(tensor.substr(0, colon));
    if (it == index_.end())
      return Status(Code::kModel, fmt::format("no node gives tensor '{}'", tensor));
    const NodeDef& node = frozen_.graph.nodes[it->second];
    if (node.op == "Const" && tensor.substr(colon) == ":0") return import_constant(node, tensor);
    return NodeImporter::unsupported(
        fmt::format("{} '{}' ({}) is not known", kUnknownInput, tensor, node.op));
  }

  Status import_node(const NodeDef& node) {
    const OpImporter* importer = find_importer(node.op);
    if (!importer)
      return NodeImporter::unsupported(fmt::format("Hone has no operator {}", node.op));
    std::vector<Value*> inputs;
    for (const std::string& reference : node.inputs) {
      if (reference.starts_with("^")) return NodeImporter::unsupported("it has control inputs");
      HONE_ASSIGN_OR_RETURN(Value * value, value_of(tensor_name(reference)));
      if (value->dtype() == DataType::string) return NodeImporter::unsupported("it has strings");
      inputs.push_back(value);
    }
    NodeImporter context(graph_, node, *importer, std::move(inputs));
    HONE_RETURN_IF_ERROR(importer->run(context));
    for (size_t i = 0; i < context.outputs().size(); ++i) {
      Value* value = context.outputs()[i];
      const std::string tensor = fmt::format("{}:{}", node.name, i);
      // A value that stands for several tensors (Identity) keeps the first one's name.
      if (value->source().empty()) context.graph().set_source(value, tensor);
      define(tensor, value);
    }
    return ok();
  }

 private:
  Result<Value*> import_constant(const NodeDef& node, const std::string& tensor) {
    const TensorProto* proto = node.attr<TensorProto>("value");
    if (!proto) return Status(Code::kModel, fmt::format("Const '{}' has no value", node.name));
    auto data = proto->tensor();
    if (!data.ok()) return Status(data.status()).at(fmt::format("Const '{}'", node.name));
    Value* value = graph_.add_constant(node.name, std::move(*data), tensor);
    define(tensor, value);
    return value;
  }

  const FrozenGraph& frozen_;
  Graph& graph_;
  std::unordered_map<std::string, size_t> index_;
  std::unordered_map<std::string, Value*> values_;
};

// Names of free dimensions: "x_1" for dimension 1 of input "x"; the batch (dimension 0) of every
// input of the model is one symbol N, as all serving signatures mean it. Nothing when the type is
// not fully known.
std::optional<TensorType> port_type(const FrozenGraph::Port& port) {
  const auto dtype = to_hone(port.dtype);
  if (!dtype || port.shape.unknown_rank || *dtype == DataType::string) return std::nullopt;
  TensorType type{*dtype, {}};
  for (size_t i = 0; i < port.shape.dims.size(); ++i) {
    if (port.shape.dims[i] >= 0) {
      type.shape.emplace_back(port.shape.dims[i]);
    } else {
      type.shape.push_back(Dim::symbol(i == 0 ? "N" : fmt::format("{}_{}", port.key, i)));
    }
  }
  return type;
}

Status unknown_port(const FrozenGraph::Port& port) {
  return NodeImporter::unsupported(fmt::format("input '{}' has type {} and {}", port.key,
                                               type_name(port.dtype), to_string(port.shape)))
      .fix("export the model with an input signature of known rank");
}

std::string advice(const Status& status, const std::string& op) {
  if (!status.fix_hint().empty()) return status.fix_hint();
  if (!find_importer(op))
    return fmt::format("leave {} in TensorFlow, or write the model without it", op);
  return "";
}

// The type of output 0 of a node that Hone does not run, if its op and its inputs tell.
const TensorType* kept_type(const NodeDef& node, const Walk& walk) {
  const bool common = keeps_common_type(node.op);
  if (!common && !keeps_type(node.op)) return nullptr;
  const TensorType* type = nullptr;
  for (const std::string& reference : node.inputs) {
    const Value* input = walk.find(tensor_name(reference));
    if (!input || (type && input->type() != *type)) return nullptr;
    type = &input->type();
    if (!common) break;
  }
  return type;
}

// Symbols that the graph makes up later must not be among those of `type`, which may come from
// another graph. SymbolScope's "?3" has a name like "_3_0123456789abcdef".
void reserve_symbols(const TensorType& type, Graph& graph) {
  std::set<std::string> symbols;
  collect_symbols(type.shape, &symbols);
  for (const std::string& symbol : symbols) {
    int number = -1;
    std::from_chars(symbol.data() + 1, symbol.data() + symbol.size(), number);
    if (number < 0 || number > (1 << 30)) continue;
    if (Dim::symbol(fmt::format("?{}", number)).symbol_name() != symbol) continue;
    graph.symbols().next = std::max(graph.symbols().next, number + 1);
  }
}

// A graph input as a stand-in for a tensor that comes from TensorFlow.
Value* add_stand_in(const std::string& name, const TensorType& type, Graph& graph) {
  reserve_symbols(type, graph);
  Value* value = graph.add_input(name, type);
  graph.set_source(value, name);
  return value;
}

// Gives the outputs of a node that stays in TensorFlow a type where it can be known.
void type_outputs(const NodeDef& node, const TypeHints& hints, int outputs, Walk& walk,
                  Graph& graph) {
  for (int i = 0; i < outputs; ++i) {
    const std::string tensor = fmt::format("{}:{}", node.name, i);
    std::optional<TensorType> type;
    if (const auto hint = hints.find(tensor); hint != hints.end()) {
      type = hint->second;
    } else if (const Value* value = walk.find(tensor)) {  // Hone could run it, but must not
      type = value->type();
    } else if (const TensorType* kept = i == 0 ? kept_type(node, walk) : nullptr) {
      type = *kept;
    }
    if (type) walk.define(tensor, add_stand_in(tensor, *type, graph));
  }
}

}  // namespace

Analysis analyze(const FrozenGraph& frozen, const TypeHints& hints,
                 const std::set<std::string>& denylist) {
  Analysis analysis;
  analysis.verdicts.resize(frozen.graph.nodes.size());
  Graph graph;
  Walk walk(frozen, graph);
  for (const FrozenGraph::Port& port : frozen.inputs) {
    if (const auto type = port_type(port)) {
      walk.define(tensor_name(port.tensor), graph.add_input(port.key, *type));
    }
  }
  const FunctionIndex functions(frozen.graph.library);
  const OpDefs op_defs(frozen.op_defs, &functions);
  for (size_t i = 0; i < frozen.graph.nodes.size(); ++i) {
    const NodeDef& node = frozen.graph.nodes[i];
    if (node.op == "Const" || node.op == "Placeholder" || node.op == "NoOp") continue;
    NodeVerdict& verdict = analysis.verdicts[i];
    Status status = walk.import_node(node);
    if (denylist.count(node.op)) {
      status = NodeImporter::unsupported(fmt::format("{} is on the deny list", node.op));
    }
    verdict.importable = status.ok();
    const auto outputs = op_defs.num_outputs(node);
    if (!status.ok()) {
      verdict.reason = status.what() + (status.cause().empty() ? "" : " (" + status.cause() + ")");
      verdict.fix = advice(status, node.op);
      type_outputs(node, hints, outputs.ok() ? *outputs : 1, walk, graph);
    }
    for (int k = 0; k < (outputs.ok() ? *outputs : 1); ++k) {
      const std::string tensor = fmt::format("{}:{}", node.name, k);
      if (const Value* value = walk.find(tensor)) analysis.types[tensor] = value->type();
    }
  }
  for (const FrozenGraph::Port& port : frozen.inputs) {
    if (const Value* value = walk.find(port.tensor)) analysis.types[port.tensor] = value->type();
  }
  return analysis;
}

namespace {

// Engine inputs may have only numbers and plain symbols that the engine itself can bind: an
// expression whose symbols no input of the engine declares becomes a symbol of its own.
TensorType engine_input_type(const TensorType& type, const std::set<std::string>& bindable,
                             Graph& graph) {
  TensorType result = type;
  for (Dim& dim : result.shape) {
    if (dim.is_const() || dim.is_symbol()) continue;
    std::set<std::string> used;
    dim.collect_symbols(&used);
    const bool known = std::includes(bindable.begin(), bindable.end(), used.begin(), used.end());
    if (!known) dim = graph.symbols().fresh();
  }
  return result;
}

}  // namespace

Result<Graph> import_segment(const FrozenGraph& frozen, const Segment& segment,
                             const TypeHints& types) {
  Graph graph;
  Walk walk(frozen, graph);
  std::set<std::string> bindable;
  for (const std::string& tensor : segment.inputs) {
    const auto type = types.find(tensor);
    if (type == types.end())
      return Status(Code::kInternal, fmt::format("input '{}' has no type", tensor));
    reserve_symbols(type->second, graph);
    for (const Dim& dim : type->second.shape) {
      if (dim.is_symbol()) bindable.insert(dim.symbol_name());
    }
  }
  for (const std::string& tensor : segment.inputs) {
    const TensorType& type = types.find(tensor)->second;
    Value* input = add_stand_in(tensor, engine_input_type(type, bindable, graph), graph);
    walk.define(tensor, input);
  }
  for (size_t i : segment.nodes) {
    const NodeDef& node = frozen.graph.nodes[i];
    Status status = walk.import_node(node);
    if (!status.ok())
      return std::move(status).at(fmt::format("node '{}' ({})", node.name, node.op));
  }
  for (const std::string& tensor : segment.outputs) {
    HONE_ASSIGN_OR_RETURN(Value * value, walk.value_of(tensor));
    graph.add_output(value, tensor);
  }
  return graph;
}

namespace {

Status report_all(const FrozenGraph& frozen, const Analysis& analysis, const std::string& name) {
  // Causes first: one operator of unknown type makes all behind it unknown, too.
  constexpr size_t kMaxLines = 50, kMaxConsequences = 5;
  std::vector<std::string> causes, consequences;
  for (size_t i = 0; i < analysis.verdicts.size(); ++i) {
    const NodeVerdict& verdict = analysis.verdicts[i];
    if (verdict.importable || verdict.reason.empty()) continue;
    const NodeDef& node = frozen.graph.nodes[i];
    (verdict.reason.starts_with(kUnknownInput) ? consequences : causes)
        .push_back(fmt::format("{} '{}': {}", node.op, printable(node.name), verdict.reason));
  }
  const auto listed = [](std::vector<std::string> lines, size_t limit) {
    const size_t count = lines.size();
    lines.resize(std::min(count, limit));
    return "\n  " + join(lines, "\n  ") + (count > limit ? "\n  ..." : "");
  };
  if (causes.empty()) std::swap(causes, consequences);
  std::string text = fmt::format("{} operator{} cannot be imported:{}", causes.size(),
                                 causes.size() == 1 ? "" : "s", listed(causes, kMaxLines));
  if (!consequences.empty()) {
    text += fmt::format("\nand therefore {} more, which {} behind:{}", consequences.size(),
                        consequences.size() == 1 ? "comes" : "come",
                        listed(consequences, kMaxConsequences));
  }
  return Status(Code::kUnsupported, std::move(text))
      .at(name)
      .fix("convert it with hone tf convert, which leaves these operators in TensorFlow");
}

}  // namespace

Result<Graph> import_frozen_graph(const FrozenGraph& frozen, const std::string& name) {
  const Analysis analysis = analyze(frozen, {}, {});
  for (const FrozenGraph::Port& port : frozen.inputs) {
    if (!port_type(port)) return unknown_port(port).at(name);
  }
  Segment segment;
  bool all = true;
  for (size_t i = 0; i < analysis.verdicts.size(); ++i) {
    const std::string& op = frozen.graph.nodes[i].op;
    if (op == "Const" || op == "Placeholder" || op == "NoOp") continue;
    all = all && analysis.verdicts[i].importable;
    segment.nodes.push_back(i);
  }
  if (!all) return report_all(frozen, analysis, name);
  Graph graph;
  graph.name = base_name(name);
  Walk walk(frozen, graph);
  for (const FrozenGraph::Port& port : frozen.inputs) {
    Value* input = graph.add_input(port.key, *port_type(port));
    graph.set_source(input, port.tensor);
    walk.define(tensor_name(port.tensor), input);
  }
  for (size_t i : segment.nodes) {
    const NodeDef& node = frozen.graph.nodes[i];
    Status status = walk.import_node(node);
    if (!status.ok())
      return std::move(status).at(fmt::format("{}: node '{}' ({})", name, node.name, node.op));
  }
  for (const FrozenGraph::Port& port : frozen.outputs) {
    auto value = walk.value_of(tensor_name(port.tensor));
    if (!value.ok()) {
      return Status(value.status().code(), fmt::format("output '{}' cannot be imported", port.key))
          .because(value.status().message())
          .at(name);
    }
    graph.add_output(*value, port.key);
  }
  graph.remove_dead();
  return graph;
}

std::vector<ImportableOp> importable_ops() {
  std::vector<ImportableOp> ops;
  for (const OpImporter& importer : all_importers()) ops.push_back({importer.op, importer.limits});
  return ops;
}

}  // namespace hone::tf

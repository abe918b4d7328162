#include "tune/make_portable.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "plan/stages.h"

namespace hone {
namespace {

Status separate_outputs(Graph& graph) {
  std::set<const Value*> seen;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    Value* value = graph.outputs()[i];
    if (value->producer() && seen.insert(value).second) continue;
    NodeOptions options;
    options.name = graph.output_names()[i];
    HONE_ASSIGN_OR_RETURN(Value * copy, graph.add("Identity", {}, {value}, options));
    graph.set_output(i, copy);
    seen.insert(copy);
  }
  return ok();
}

// Symbols that the input shapes determine.
std::set<std::string> bound_symbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const Value* input : graph.inputs()) {
    for (const Dim& dim : input->shape()) {
      if (dim.is_symbol()) symbols.insert(dim.symbol_name());
    }
  }
  return symbols;
}

bool all_bound(const std::set<std::string>& bound, const Shape& shape) {
  std::set<std::string> used;
  collect_symbols(shape, &used);
  return std::includes(bound.begin(), bound.end(), used.begin(), used.end());
}

// Whether some size depends on values.
bool has_unbound(const Graph& graph) {
  const std::set<std::string> bound = bound_symbols(graph);
  for (const Value* value : graph.values()) {
    if (!all_bound(bound, value->shape())) return true;
  }
  for (const auto& [a, b] : graph.symbols().must_be_equal) {
    if (!all_bound(bound, {a, b})) return true;
  }
  return false;
}

// Passes replace nodes, and each inference gives a size that it cannot compute a new symbol. Here
// every such size gets one symbol, and all that depends on it uses that.
Status infer_anew(Graph& graph) {
  graph.symbols().must_be_equal.clear();
  for (Node* node : graph.nodes()) HONE_RETURN_IF_ERROR(graph.infer(node));
  return ok();
}

// Adds the symbols that the steps give values to: a dimension of its own of an output.
void add_found_symbols(const Graph& graph, std::set<std::string>* bound) {
  for (const Node* node : graph.nodes()) {
    for (const Value* output : node->outputs()) {
      for (const Dim& dim : output->shape()) {
        if (dim.is_symbol()) bound->insert(dim.symbol_name());
      }
    }
  }
}

Status check_bound(const std::set<std::string>& bound, const Shape& shape,
                   const std::string& where) {
  std::set<std::string> used;
  collect_symbols(shape, &used);
  for (const std::string& symbol : used) {
    if (bound.count(symbol)) continue;
    return Status(Code::kUnsupported,
                  fmt::format("the size {} depends on values in a way that no result shows",
                              shape_text(shape)))
        .at(where)
        .fix("give the operator constant sizes, or leave this part in TensorFlow");
  }
  return ok();
}

}  // namespace

Result<Portable> make_portable(Graph& graph, const PortableOptions& options) {
  HONE_RETURN_IF_ERROR(separate_outputs(graph));
  graph.remove_dead();
  std::set<std::string> bound = bound_symbols(graph);
  if (has_unbound(graph)) {
    HONE_RETURN_IF_ERROR(infer_anew(graph));
    add_found_symbols(graph, &bound);
  }
  Portable portable;
  portable.model_name = graph.name;
  portable.profiles = options.profiles;
  portable.strict_fp32 = options.strict_fp32;
  portable.must_be_equal = graph.symbols().must_be_equal;
  portable.output_names = graph.output_names();
  std::unordered_map<const Value*, int> index;
  for (const Value* value : graph.values()) {
    HONE_RETURN_IF_ERROR(
        check_bound(bound, value->shape(), fmt::format("value '{}'", value->name())));
    PlanValue out;
    out.name = value->name();
    out.source = value->source();
    out.type = value->type();
    out.kind = value->is_graph_input() ? ValueKind::kInput
               : value->is_constant()  ? ValueKind::kConstant
                                       : ValueKind::kComputed;
    if (value->is_constant()) {
      out.constant = *value->constant();
      out.has_data = true;
    }
    index[value] = static_cast<int>(portable.values.size());
    portable.values.push_back(std::move(out));
  }
  for (const Value* input : graph.inputs()) {
    portable.inputs.push_back(index.at(input));
    portable.input_names.push_back(input->name());
  }
  for (const Value* output : graph.outputs()) portable.outputs.push_back(index.at(output));
  for (const Node* node : graph.nodes()) {
    PlanStep step;
    step.name = node->name();
    step.sources = node->sources();
    step.op = &node->op();
    step.attributes = node->attributes();
    step.epilogue = node->epilogue();
    for (const Value* value : node->inputs()) {
      if (!value) {
        return Status(Code::kUnsupported, "an optional input in the middle is left out")
            .at(fmt::format("node '{}' ({})", node->name(), node->op().name));
      }
      step.inputs.push_back(index.at(value));
    }
    for (const Value* value : node->outputs()) step.outputs.push_back(index.at(value));
    step.group = static_cast<int>(portable.steps.size());
    portable.steps.push_back(std::move(step));
  }
  for (const auto& [a, b] : portable.must_be_equal) {
    HONE_RETURN_IF_ERROR(check_bound(bound, {a, b}, "shape check"));
  }
  find_stages(&portable);
  return portable;
}

}  // namespace hone

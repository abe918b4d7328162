#include "graph/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "graph/type_match.h"

namespace hone {
namespace {

Status wrong(const Value* value, std::string what) {
  return Status(Code::kInternal, std::move(what))
      .at(fmt::format("value '{}'", printable(value->name())));
}

Status wrong(const Node* node, std::string what) {
  return Status(Code::kInternal, std::move(what))
      .at(fmt::format("node '{}' ({})", printable(node->name()), node->op().name));
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), nodes_(graph.nodes()), symbols_(graph.symbols()) {}

  Status run() {
    for (Value* value : graph_.values()) HONE_RETURN_IF_ERROR(add_value(value));
    for (const Value* input : graph_.inputs()) available_.insert(input);
    for (const Value* constant : graph_.constants()) available_.insert(constant);
    for (const Node* node : nodes_) known_nodes_.insert(node);
    for (const Node* node : nodes_) HONE_RETURN_IF_ERROR(check_node(node));
    size_t uses = 0;
    for (const Value* value : known_) {
      HONE_RETURN_IF_ERROR(check_uses(value));
      uses += value->uses().size();
    }
    // Every use was found to be an input of its node, each once: equal numbers mean that the
    // inputs are all among the uses.
    if (uses != num_inputs_) {
      return Status(Code::kInternal,
                    fmt::format("the nodes have {} inputs, the values {} uses", num_inputs_, uses));
    }
    return check_outputs();
  }

 private:
  Status add_value(const Value* value) {
    if (!known_.insert(value).second) return wrong(value, "it is in the graph twice");
    if (graph_.find_value(value->name()) != value) return wrong(value, "its name leads elsewhere");
    const int origins =
        value->is_graph_input() + value->is_constant() + (value->producer() != nullptr);
    if (origins != 1) return wrong(value, "it is not exactly one of input, constant, output");
    if (value->constant() && value->type() != TensorType{value->constant()->dtype(),
                                                         to_shape(value->constant()->shape())}) {
      return wrong(value, fmt::format("the constant {} has the type {}", value->constant()->text(0),
                                      type_text(value->type())));
    }
    for (const Dim& dim : value->shape()) {
      if (!dim.is_valid()) return wrong(value, "an invalid dimension");
    }
    return ok();
  }

  Status check_node(const Node* node) {
    if (graph_.find_node(node->name()) != node) return wrong(node, "its name leads elsewhere");
    for (size_t i = 0; i < node->inputs().size(); ++i) {
      const Value* input = node->input(i);
      if (!input) continue;
      ++num_inputs_;
      if (!known_.contains(input)) {
        return wrong(node, fmt::format("input {} is not a value of the graph", i));
      }
      if (!available_.contains(input)) {
        return wrong(node,
                     fmt::format("input {} ('{}') is produced later", i, printable(input->name())));
      }
    }
    HONE_RETURN_IF_ERROR(check_epilogue(node));
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      const Value* output = node->output(i);
      if (output->producer() != node || output->output_index() != static_cast<int>(i)) {
        return wrong(node, fmt::format("output {} has another producer", i));
      }
      available_.insert(output);
    }
    return check_types(node);
  }

  Status check_epilogue(const Node* node) {
    const Program& epilogue = node->epilogue();
    if (epilogue.empty()) return ok();
    if (Status status = epilogue.verify(); !status.ok()) return wrong(node, status.message());
    const size_t extra = epilogue.num_inputs - 1;
    if (epilogue.num_inputs < 1 || extra > node->inputs().size()) {
      return wrong(node,
                   fmt::format("{} inputs are too few for the epilogue", node->inputs().size()));
    }
    for (size_t i = node->num_root_inputs(); i < node->inputs().size(); ++i) {
      if (!node->input(i)) return wrong(node, "an absent input of the epilogue");
    }
    return ok();
  }

  Status check_types(const Node* node) {
    InferContext context;
    context.attributes = &node->attributes();
    context.symbols = &symbols_;
    for (const Value* input : node->inputs()) {
      if (input) {
        context.inputs.push_back({input->type(), input->constant(), input->values()});
      } else {
        context.inputs.push_back({{DataType::f32, {Dim(0)}}, nullptr, std::nullopt});
      }
    }
    symbols_.must_be_equal.clear();
    Status status = infer_types(node->op(), node->epilogue(), context);
    if (!status.ok()) return wrong(node, status.message());
    if (context.outputs.size() != node->outputs().size()) {
      return wrong(node, fmt::format("{} outputs instead of {}", node->outputs().size(),
                                     context.outputs.size()));
    }
    for (size_t i = 0; i < context.outputs.size(); ++i) {
      if (matcher_.agree(context.outputs[i], node->output(i)->type(), symbols_.next)) continue;
      return wrong(node,
                   fmt::format("output {} has the type {}, inferred is {}", i,
                               type_text(node->output(i)->type()), type_text(context.outputs[i])));
    }
    return ok();
  }

  Status check_uses(const Value* value) {
    std::vector<std::pair<const Node*, int>> seen;
    for (const Use& use : value->uses()) {
      if (!known_nodes_.contains(use.node))
        return wrong(value, "it is used by no node of the graph");
      if (use.index < 0 || use.node->input(use.index) != value) {
        return wrong(value, fmt::format("node '{}' does not use it as input {}",
                                        printable(use.node->name()), use.index));
      }
      seen.emplace_back(use.node, use.index);
    }
    std::sort(seen.begin(), seen.end());
    if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) {
      return wrong(value, "a use is recorded twice");
    }
    return ok();
  }

  Status check_outputs() {
    std::unordered_set<std::string> names;
    std::unordered_set<const Value*> outputs;
    if (graph_.outputs().size() != graph_.output_names().size()) {
      return Status(Code::kInternal, "graph outputs and their names are not as many");
    }
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Value* output = graph_.outputs()[i];
      const std::string& name = graph_.output_names()[i];
      if (!known_.contains(output)) {
        return Status(Code::kInternal, fmt::format("graph output '{}' is not a value of the graph",
                                                   printable(name)));
      }
      outputs.insert(output);
      if (name.empty() || !names.insert(name).second) {
        return wrong(output, fmt::format("the name '{}' of a graph output is taken or empty",
                                         printable(name)));
      }
    }
    for (const Value* value : known_) {
      if (value->is_graph_output() != outputs.contains(value)) {
        return wrong(value, "it is not sure whether it is a graph output");
      }
    }
    return ok();
  }

  const Graph& graph_;
  const std::vector<Node*> nodes_;
  SymbolScope symbols_;  // a copy: what this inference finds out is not kept
  std::unordered_set<const Value*> known_, available_;
  std::unordered_set<const Node*> known_nodes_;
  size_t num_inputs_ = 0;
  TypeMatcher matcher_;
};

}  // namespace

Status verify(const Graph& graph) { return Verifier(graph).run(); }

}  // namespace hone

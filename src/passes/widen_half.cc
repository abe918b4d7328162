#include "passes/widen_half.h"

#include <algorithm>
#include <unordered_map>

#include "graph/widen.h"
#include "ops/movement.h"
#include "passes/edit.h"

namespace hone {
namespace {

bool is_half(DataType dtype) { return dtype == DataType::f16 || dtype == DataType::bf16; }
bool is_half(const Value* value) { return value && is_half(value->dtype()); }

bool any_half(const std::vector<Value*>& values) {
  return std::any_of(values.begin(), values.end(), [](const Value* v) { return is_half(v); });
}

// What stays of the 16-bit types: a Cast behind a graph input, or in front of graph outputs.
bool is_border(const Node* node) {
  if (!node->is("Cast")) return false;
  if (is_half(node->output())) return !is_half(node->input(0)) && node->output()->uses().empty();
  return is_half(node->input(0)) && node->input(0)->is_graph_input();
}

class Widener {
 public:
  explicit Widener(Graph& graph) : graph_(graph) {}

  Result<bool> run() {
    bool changed = false;
    for (Node* node : graph_.nodes()) {
      if (is_border(node) || !(any_half(node->inputs()) || any_half(node->outputs()))) continue;
      HONE_RETURN_IF_ERROR(widen(node));
      changed = true;
    }
    return changed;
  }

 private:
  Status widen(Node* node) {
    std::vector<Value*> inputs;
    for (Value* input : node->inputs()) {
      HONE_ASSIGN_OR_RETURN(input, widened_input(input, node));
      inputs.push_back(input);
    }
    std::vector<DataType> before;
    for (const Value* output : node->outputs()) before.push_back(output->dtype());
    HONE_RETURN_IF_ERROR(rewrite(graph_, node,
                                 replace_dtypes(node->attributes(), is_half, DataType::f32),
                                 std::move(inputs)));
    for (size_t i = 0; i < before.size(); ++i) {
      if (node->output(i)->dtype() != before[i]) {
        HONE_RETURN_IF_ERROR(keep_output_type(node, node->output(i), before[i]));
      }
    }
    return ok();
  }

  // Results of nodes are f32 by now: the nodes come in order.
  Result<Value*> widened_input(Value* value, Node* user) {
    if (!is_half(value)) return value;
    Value*& wide = wide_[value];
    if (wide) return wide;
    if (value->is_constant()) {
      HONE_ASSIGN_OR_RETURN(Tensor tensor, cast_tensor(*value->constant(), DataType::f32));
      wide = graph_.add_constant(value->name(), std::move(tensor), value->source());
      return wide;
    }
    NodeOptions options;
    options.name = value->name() + "/widen";
    options.before = user;
    HONE_ASSIGN_OR_RETURN(
        wide, graph_.add("Cast", CastAttributes{DataType::f32}, {value}, std::move(options)));
    return wide;
  }

  Status keep_output_type(Node* node, Value* value, DataType dtype) {
    Value* narrow = nullptr;
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      if (graph_.outputs()[i] != value) continue;
      if (!narrow) {
        NodeOptions options;
        options.name = value->name() + "/narrow";
        options.sources = node->sources();
        HONE_ASSIGN_OR_RETURN(narrow, graph_.add("Cast", CastAttributes{dtype}, {value}, options));
      }
      graph_.set_output(i, narrow);
    }
    return ok();
  }

  Graph& graph_;
  std::unordered_map<const Value*, Value*> wide_;
};

}  // namespace

Result<bool> widen_half(Graph& graph) {
  HONE_ASSIGN_OR_RETURN(const bool changed, Widener(graph).run());
  graph.remove_dead();
  return changed;
}

}  // namespace hone

#include "graph/evaluate.h"

#include <fmt/format.h>

#include "base/text.h"

namespace hone {
namespace {

Status wrong_input(const Value* input, const Tensor& tensor, std::string because) {
  return Status(Code::kShape, fmt::format("the tensor {} does not fit {}",
                                          type_text({tensor.dtype(), to_shape(tensor.shape())}),
                                          printable(type_text(input->type()))))
      .at(fmt::format("input '{}'", printable(input->name())))
      .because(std::move(because));
}

// Symbols first, so that expressions over them can be tested whatever the order of the inputs.
Status bind_symbols(const Value* input, const Tensor& tensor, SymbolValues* symbols) {
  const Shape& shape = input->shape();
  if (tensor.dtype() != input->dtype()) {
    return wrong_input(input, tensor, "the data types differ");
  }
  if (tensor.shape().size() != shape.size()) return wrong_input(input, tensor, "the ranks differ");
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!shape[axis].is_symbol()) continue;
    const int64_t actual = tensor.shape()[axis];
    auto [bound, fresh] = symbols->emplace(shape[axis].symbol_name(), actual);
    if (bound->second == actual) continue;
    return wrong_input(input, tensor,
                       fmt::format("{} is {} by what came before", bound->first, bound->second));
  }
  return ok();
}

// Whether `dim` is `actual` as far as the symbols tell; a symbol without a value gets it.
bool check_dim(const Dim& dim, int64_t actual, SymbolValues* symbols) {
  if (dim.is_const()) return dim.value() == actual;
  if (dim.is_symbol()) return symbols->emplace(dim.symbol_name(), actual).first->second == actual;
  auto expected = dim.eval(*symbols);
  return !expected.ok() || *expected == actual;
}

class Evaluator {
 public:
  Evaluator(const Graph& graph, const EvaluateOptions& options)
      : graph_(graph), options_(options) {}

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs) {
    HONE_ASSIGN_OR_RETURN(symbols_, bind_inputs(graph_, inputs));
    for (size_t i = 0; i < inputs.size(); ++i) {
      HONE_RETURN_IF_ERROR(define(graph_.inputs()[i], inputs[i]));
    }
    for (const Node* node : graph_.nodes()) {
      Status status = run_node(node);
      if (!status.ok()) {
        return std::move(status).at(
            fmt::format("node '{}' ({})", printable(node->name()), node->op().name));
      }
    }
    std::vector<Tensor> outputs;
    for (const Value* output : graph_.outputs()) outputs.push_back(read(output));
    return outputs;
  }

 private:
  struct Entry {
    Tensor tensor;
    size_t uses_left = 0;
  };

  const Tensor& read(const Value* value) const {
    return value->is_constant() ? *value->constant() : tensors_.at(value).tensor;
  }

  Status define(const Value* value, Tensor tensor) {
    if (options_.tap) HONE_RETURN_IF_ERROR(options_.tap(*value, tensor));
    if (value->uses().empty() && !value->is_graph_output()) return ok();
    live_bytes_ += static_cast<int64_t>(tensor.bytes());
    if (live_bytes_ > options_.max_bytes) {
      return Status(Code::kOutOfResources, fmt::format("the evaluation needs more than {}",
                                                       human_bytes(options_.max_bytes)));
    }
    tensors_[value] = {std::move(tensor), value->uses().size()};
    return ok();
  }

  void release(const Value* value) {
    if (value->is_constant()) return;
    auto entry = tensors_.find(value);
    if (--entry->second.uses_left > 0 || value->is_graph_output()) return;
    live_bytes_ -= static_cast<int64_t>(entry->second.tensor.bytes());
    tensors_.erase(entry);
  }

  Status run_node(const Node* node) {
    HONE_RETURN_IF_ERROR(check_room(node));
    std::vector<Tensor> inputs;
    for (const Value* input : node->inputs()) inputs.push_back(input ? read(input) : Tensor());
    auto outputs = evaluate_reference(node->op(), node->attributes(), node->epilogue(), inputs);
    if (!outputs.ok()) return outputs.status();
    if (outputs->size() != node->outputs().size()) {
      return Status(Code::kInternal, "the reference has another number of outputs");
    }
    inputs.clear();
    for (const Value* input : node->inputs()) {
      if (input) release(input);
    }
    for (size_t i = 0; i < outputs->size(); ++i) {
      HONE_RETURN_IF_ERROR(check_type(node->output(i), (*outputs)[i]));
      HONE_RETURN_IF_ERROR(define(node->output(i), std::move((*outputs)[i])));
    }
    return ok();
  }

  // Before the operator allocates, where the sizes are known beforehand.
  Status check_room(const Node* node) const {
    int64_t bytes = live_bytes_;
    for (const Value* output : node->outputs()) {
      auto shape = eval_shape(output->shape(), symbols_);
      if (!shape.ok()) continue;
      HONE_ASSIGN_OR_RETURN(const int64_t size, checked_num_bytes(output->dtype(), *shape));
      if (size > options_.max_bytes - bytes) {
        return Status(Code::kOutOfResources, fmt::format("the evaluation needs more than {}",
                                                         human_bytes(options_.max_bytes)));
      }
      bytes += size;
    }
    return ok();
  }

  Status check_type(const Value* value, const Tensor& tensor) {
    bool good = tensor.dtype() == value->dtype() && tensor.shape().size() == value->shape().size();
    for (size_t axis = 0; good && axis < value->shape().size(); ++axis) {
      good = check_dim(value->shape()[axis], tensor.shape()[axis], &symbols_);
    }
    if (good) return ok();
    return Status(Code::kInternal,
                  fmt::format("the result is {}, inferred was {}",
                              type_text({tensor.dtype(), to_shape(tensor.shape())}),
                              type_text(value->type())));
  }

  const Graph& graph_;
  const EvaluateOptions& options_;
  SymbolValues symbols_;
  std::unordered_map<const Value*, Entry> tensors_;
  int64_t live_bytes_ = 0;
};

}  // namespace

Result<SymbolValues> bind_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    return Status(Code::kShape, fmt::format("the graph has {} inputs, {} are given",
                                            graph.inputs().size(), inputs.size()));
  }
  SymbolValues symbols;
  for (size_t i = 0; i < inputs.size(); ++i) {
    HONE_RETURN_IF_ERROR(bind_symbols(graph.inputs()[i], inputs[i], &symbols));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = graph.inputs()[i]->shape();
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (check_dim(shape[axis], inputs[i].shape()[axis], &symbols)) continue;
      return wrong_input(graph.inputs()[i], inputs[i], fmt::format("dimension {} differs", axis));
    }
  }
  for (const auto& [a, b] : graph.symbols().must_be_equal) {
    auto left = a.eval(symbols), right = b.eval(symbols);
    if (!left.ok() || !right.ok() || *left == *right) continue;  // not known before the run
    return Status(Code::kShape, fmt::format("the inputs do not fit each other: {} is {}, {} is {}",
                                            a.text(), *left, b.text(), *right))
        .because("operators of the model need them equal");
  }
  return symbols;
}

Result<std::vector<Tensor>> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs,
                                           const EvaluateOptions& options) {
  return Evaluator(graph, options).run(inputs);
}

}  // namespace hone

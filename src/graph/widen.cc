#include "graph/widen.h"

#include <unordered_map>

#include "ops/movement.h"

namespace hone {
namespace {

TensorType widen(TensorType type) {
  if (is_float(type.dtype)) type.dtype = DataType::f64;
  return type;
}

class Widener {
 public:
  explicit Widener(const Graph& graph) : graph_(graph) {}

  Result<Graph> run() {
    wide_.name = graph_.name;
    // Names of symbols made from here on differ from those in the types of the inputs.
    wide_.symbols() = graph_.symbols();
    for (const Value* input : graph_.inputs()) {
      values_[input] = wide_.add_input(input->name(), widen(input->type()));
    }
    for (const Value* constant : graph_.constants()) {
      HONE_ASSIGN_OR_RETURN(Tensor tensor, widen_floats(*constant->constant()));
      values_[constant] =
          wide_.add_constant(constant->name(), std::move(tensor), constant->source());
    }
    for (const Node* node : graph_.nodes()) HONE_RETURN_IF_ERROR(add(*node));
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      wide_.add_output(values_.at(graph_.outputs()[i]), graph_.output_names()[i]);
    }
    return std::move(wide_);
  }

 private:
  Status add(const Node& node) {
    std::vector<Value*> inputs;
    for (const Value* input : node.inputs()) inputs.push_back(input ? values_.at(input) : nullptr);
    NodeOptions options;
    options.name = node.name();
    options.sources = node.sources();
    options.epilogue = node.epilogue();
    for (const Value* output : node.outputs()) options.output_names.push_back(output->name());
    HONE_ASSIGN_OR_RETURN(
        const Node* wide,
        wide_.add_node(node.op(), replace_dtypes(node.attributes(), is_float, DataType::f64),
                       std::move(inputs), std::move(options)));
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      values_[node.output(i)] = wide->output(i);
    }
    return ok();
  }

  const Graph& graph_;
  Graph wide_;
  std::unordered_map<const Value*, Value*> values_;
};

}  // namespace

Attributes replace_dtypes(Attributes attributes, bool (*is_old)(DataType), DataType dtype) {
  for (const Field& field : attributes.fields()) {
    DataType* const* old = std::get_if<DataType*>(&field.value);
    if (old && is_old(**old)) **old = dtype;
  }
  return attributes;
}

Result<Tensor> cast_tensor(const Tensor& tensor, DataType dtype) {
  HONE_ASSIGN_OR_RETURN(
      std::vector<Tensor> results,
      evaluate_reference(op("Cast"), CastAttributes{.to = dtype}, {}, std::span(&tensor, 1)));
  return std::move(results[0]);
}

Result<Tensor> widen_floats(const Tensor& tensor) {
  if (!is_float(tensor.dtype())) return tensor;
  return cast_tensor(tensor, DataType::f64);
}

Result<Graph> widen_floats(const Graph& graph) { return Widener(graph).run(); }

}  // namespace hone

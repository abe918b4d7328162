#include "ops/op_def.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

struct Registry {
  std::deque<OpDef> records;
  std::vector<const OpDef*> sorted;

  Registry() {
    for (OpFactory factory : op_factories()) {
      for (OpDef& record : factory()) records.push_back(std::move(record));
    }
    for (const OpDef& record : records) sorted.push_back(&record);
    std::sort(sorted.begin(), sorted.end(), [](const OpDef* a, const OpDef* b) {
      return std::string_view(a->name) < std::string_view(b->name);
    });
    for (size_t i = 1; i < sorted.size(); ++i) {
      HONE_CHECK(std::string_view(sorted[i - 1]->name) != sorted[i]->name);
    }
  }
};

const Registry& registry() {
  static const Registry* const instance = new Registry;  // lives as long as the process
  return *instance;
}

size_t epilogue_inputs(const Program& epilogue) {
  return epilogue.num_inputs > 1 && !epilogue.empty() ? epilogue.num_inputs - 1 : 0;
}

Status check_root(const OpDef& op, size_t num_inputs, const Attributes* attributes) {
  if (static_cast<int>(num_inputs) < op.min_inputs ||
      (op.max_inputs >= 0 && static_cast<int>(num_inputs) > op.max_inputs)) {
    return Status(Code::kModel, fmt::format("operator {} has {} inputs", op.name, num_inputs));
  }
  if (!attributes || !attributes->same_type(op.defaults)) {
    return Status(Code::kInternal,
                  fmt::format("operator {} has the attributes of another operator", op.name));
  }
  return ok();
}

// Fills in what constants say about elements, so that operators look in one place only.
void add_constant_values(InferContext& context) {
  for (InferInput& input : context.inputs) {
    if (input.values || !input.constant || !is_integer(input.constant->dtype())) continue;
    if (auto values = input.constant->as_int64s(kMaxDimValues)) input.values = to_shape(*values);
  }
}

// Shapes that inference computed: no negative constants, no invalid expressions.
Status check_outputs(const OpDef& op, InferContext& context) {
  for (TensorType& type : context.outputs) {
    for (Dim& dim : type.shape) {
      dim = or_fresh(dim, context);
      if (dim.is_const() && dim.value() < 0) {
        return Status(Code::kShape, fmt::format("operator {} gives the shape {}", op.name,
                                                shape_text(type.shape)));
      }
    }
  }
  context.output_values.resize(context.outputs.size());
  return ok();
}

Status infer_root(const OpDef& op, InferContext& context) {
  HONE_RETURN_IF_ERROR(check_root(op, context.inputs.size(), context.attributes));
  add_constant_values(context);
  context.outputs.clear();
  context.output_values.clear();
  if (Status status = op.infer(context); !status.ok()) {
    return std::move(status).at(fmt::format("operator {}", op.name));
  }
  return check_outputs(op, context);
}

bool is_program_dtype(DataType dtype) { return is_float(dtype) || dtype == DataType::boolean; }

}  // namespace

std::string type_text(const TensorType& type) {
  return dtype_name(type.dtype) + shape_text(type.shape);
}

std::optional<std::vector<int64_t>> InferContext::int_values(size_t i) const {
  if (i >= inputs.size()) return std::nullopt;
  const InferInput& input = inputs[i];
  if (input.constant) return input.constant->as_int64s();
  if (!input.values) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const Dim& dim : *input.values) {
    if (!dim.is_const()) return std::nullopt;
    numbers.push_back(dim.value());
  }
  return numbers;
}

void InferContext::set_output(DataType dtype, Shape shape, DimValues values) {
  outputs.push_back({dtype, std::move(shape)});
  output_values.push_back(std::move(values));
}

Status InferContext::require_equal(const Dim& a, const Dim& b, const char* what) {
  if (a == b || !a.is_valid() || !b.is_valid()) return ok();
  if (always_lt(a, b) || always_lt(b, a)) {
    return Status(Code::kShape, fmt::format("{}: {} is not {}", what, a.text(), b.text()));
  }
  // The same pair tends to come again at once: in every layer of a network, say.
  auto& pairs = symbols->must_be_equal;
  const size_t look_back = std::min<size_t>(pairs.size(), 16);
  const std::pair<Dim, Dim> pair(a, b);
  if (std::find(pairs.end() - look_back, pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
  return ok();
}

Result<Tensor*> EvalContext::allocate_output(size_t i) {
  HONE_CHECK(i < types.size());
  const auto shape = to_static(types[i].shape);
  if (!shape) {
    return Status(Code::kInternal, fmt::format("the output shape {} is not known at evaluation",
                                               shape_text(types[i].shape)));
  }
  HONE_ASSIGN_OR_RETURN(int64_t bytes, checked_num_bytes(types[i].dtype, *shape));
  // A string takes sizeof(std::string) even when empty.
  HONE_ASSIGN_OR_RETURN(int64_t elements, checked_num_elements(*shape));
  if (bytes > kMaxReferenceBytes || (bytes == 0 && elements > (int64_t{1} << 28))) {
    return Status(Code::kOutOfResources,
                  fmt::format("a tensor {} is larger than the bound of {} bytes",
                              type_text(types[i]), kMaxReferenceBytes));
  }
  outputs.resize(std::max(outputs.size(), types.size()));
  HONE_ASSIGN_OR_RETURN(outputs[i], Tensor::allocate(types[i].dtype, *shape));
  return &outputs[i];
}

std::span<const OpDef* const> all_ops() { return registry().sorted; }

const OpDef* find_op(std::string_view name) {
  const auto& sorted = registry().sorted;
  auto found = std::lower_bound(
      sorted.begin(), sorted.end(), name,
      [](const OpDef* op, std::string_view wanted) { return std::string_view(op->name) < wanted; });
  return found != sorted.end() && name == (*found)->name ? *found : nullptr;
}

const OpDef& op(std::string_view name) {
  const OpDef* found = find_op(name);
  HONE_CHECK(found != nullptr);
  return *found;
}

Status infer_program(const Program& program, std::span<const TensorType> types,
                     InferContext& context, TensorType* result) {
  HONE_RETURN_IF_ERROR(program.verify());
  if (static_cast<int>(types.size()) != program.num_inputs) {
    return Status(Code::kModel, fmt::format("a pointwise program with {} inputs is given {}",
                                            program.num_inputs, types.size()));
  }
  std::vector<Shape> shapes;
  std::optional<DataType> dtype;
  for (const TensorType& type : types) {
    if (!is_program_dtype(type.dtype)) {
      return Status(Code::kModel, fmt::format("a pointwise program has an input of dtype {}",
                                              dtype_name(type.dtype)));
    }
    if (!dtype && is_float(type.dtype)) dtype = type.dtype;
    shapes.push_back(type.shape);
  }
  const bool boolean = program.instructions.back().op->pointwise->boolean_result;
  HONE_ASSIGN_OR_RETURN(result->shape, broadcast_shapes(shapes, context.symbols));
  result->dtype = boolean ? DataType::boolean : dtype.value_or(DataType::f32);
  return ok();
}

Result<Tensor> evaluate_program(const Program& program, std::span<const Tensor> inputs,
                                const TensorType& type) {
  EvalContext output;
  output.types = {type};
  HONE_ASSIGN_OR_RETURN(Tensor * result, output.allocate_output());
  std::vector<std::vector<int64_t>> strides;
  std::vector<DoubleReader> readers;
  for (const Tensor& input : inputs) {
    strides.push_back(broadcast_strides(input.shape(), result->shape()));
    readers.push_back(double_reader(input.dtype()));
    HONE_CHECK(readers.back() != nullptr);
  }
  std::vector<double> arguments(inputs.size() + 1);
  HONE_RETURN_IF_ERROR(with_type(type.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = mutable_elements<T>(result);
    for_each_row(result->shape(), strides, [&](const int64_t* offsets, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        for (size_t k = 0; k < inputs.size(); ++k) {
          arguments[k] = readers[k](inputs[k].raw(), offsets[k] + i * row_stride(strides[k]));
        }
        *to++ = narrow<T>(static_cast<Wide<T>>(program.evaluate(arguments.data())));
      }
    });
    return ok();
  }));
  return std::move(*result);
}

Status infer_types(const OpDef& op, const Program& epilogue, InferContext& context) {
  HONE_CHECK(context.symbols != nullptr);
  const size_t extra = epilogue_inputs(epilogue);
  if (context.inputs.size() < extra) {
    return Status(Code::kModel,
                  fmt::format("operator {} has too few inputs for its epilogue", op.name));
  }
  std::vector<InferInput> all = context.inputs;
  context.inputs.resize(all.size() - extra);
  Status status = infer_root(op, context);
  context.inputs = std::move(all);
  if (!status.ok() || epilogue.empty()) return status;
  if (context.outputs.size() != 1) {
    return Status(Code::kModel, fmt::format("operator {} has an epilogue and {} outputs", op.name,
                                            context.outputs.size()));
  }
  std::vector<TensorType> types = {context.outputs[0]};
  for (size_t i = context.inputs.size() - extra; i < context.inputs.size(); ++i) {
    types.push_back(context.inputs[i].type);
  }
  context.output_values.assign(1, std::nullopt);
  return infer_program(epilogue, types, context, &context.outputs[0]);
}

Result<std::vector<Tensor>> evaluate_reference(const OpDef& op, const Attributes& attributes,
                                               const Program& epilogue,
                                               std::span<const Tensor> inputs) {
  const size_t extra = epilogue_inputs(epilogue);
  if (inputs.size() < extra) {
    return Status(Code::kModel,
                  fmt::format("operator {} has too few inputs for its epilogue", op.name));
  }
  const auto root_inputs = inputs.first(inputs.size() - extra);
  SymbolScope symbols;
  InferContext infer;
  infer.attributes = &attributes;
  infer.symbols = &symbols;
  for (const Tensor& input : root_inputs) {
    infer.inputs.push_back({{input.dtype(), to_shape(input.shape())}, &input, std::nullopt});
  }
  HONE_RETURN_IF_ERROR(infer_root(op, infer));
  EvalContext eval;
  eval.attributes = &attributes;
  eval.inputs.assign(root_inputs.begin(), root_inputs.end());
  eval.types = infer.outputs;
  eval.outputs.resize(eval.types.size());
  if (Status status = op.evaluate(eval); !status.ok()) {
    return std::move(status).at(fmt::format("operator {}", op.name));
  }
  if (epilogue.empty()) return std::move(eval.outputs);
  if (eval.outputs.size() != 1) {
    return Status(Code::kModel, fmt::format("operator {} has an epilogue and {} outputs", op.name,
                                            eval.outputs.size()));
  }
  std::vector<Tensor> operands = {eval.outputs[0]};
  std::vector<TensorType> types = {eval.types[0]};
  for (const Tensor& input : inputs.last(extra)) {
    operands.push_back(input);
    types.push_back({input.dtype(), to_shape(input.shape())});
  }
  TensorType type;
  HONE_RETURN_IF_ERROR(infer_program(epilogue, types, infer, &type));
  HONE_ASSIGN_OR_RETURN(Tensor result, evaluate_program(epilogue, operands, type));
  return std::vector<Tensor>{std::move(result)};
}

Result<Shape> broadcast_shapes(std::span<const Shape> shapes, SymbolScope* symbols) {
  size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  Shape result(rank, Dim(1));
  InferContext checks;
  checks.symbols = symbols;
  for (const Shape& shape : shapes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      Dim& dim = result[rank - shape.size() + i];
      if (shape[i] == Dim(1) || shape[i] == dim) continue;
      if (dim == Dim(1)) {
        dim = shape[i];
        continue;
      }
      if (Status status = checks.require_equal(dim, shape[i], "sizes do not broadcast");
          !status.ok()) {
        return status;
      }
      if (shape[i].is_const()) dim = shape[i];
    }
  }
  return result;
}

}  // namespace hone

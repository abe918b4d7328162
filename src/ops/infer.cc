#include "ops/infer.h"

#include <fmt/format.h>

#include <algorithm>

namespace hone {

Result<int> resolve_axis(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    return Status(Code::kModel, fmt::format("axis {} is out of range for rank {}", axis, rank));
  }
  return static_cast<int>(axis < 0 ? axis + signed_rank : axis);
}

Result<std::vector<int>> resolve_axes(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<int> resolved;
  for (int64_t axis : axes) {
    HONE_ASSIGN_OR_RETURN(int positive, resolve_axis(axis, rank));
    if (std::find(resolved.begin(), resolved.end(), positive) != resolved.end()) {
      return Status(Code::kModel, fmt::format("axis {} is named twice", positive));
    }
    resolved.push_back(positive);
  }
  std::sort(resolved.begin(), resolved.end());
  return resolved;
}

Status require_dtype(const InferContext& context, size_t i, bool (*accept)(DataType),
                     const char* what) {
  if (accept(context.dtype(i))) return ok();
  return Status(Code::kModel, fmt::format("input {} has dtype {}, not {}", i,
                                          dtype_name(context.dtype(i)), what));
}

Status require_rank(const InferContext& context, size_t i, size_t rank) {
  if (context.shape(i).size() == rank) return ok();
  return Status(Code::kShape, fmt::format("input {} has shape {}, not rank {}", i,
                                          shape_text(context.shape(i)), rank));
}

bool is_any_dtype(DataType) { return true; }

bool is_number(DataType dtype) {
  return is_float(dtype) || (is_integer(dtype) && dtype != DataType::u64);
}

std::optional<std::vector<Dim>> element_dims(const InferContext& context, size_t i) {
  const InferInput& input = context.inputs[i];
  if (input.values) return input.values;
  if (auto values = context.int_values(i)) return to_shape(*values);
  return std::nullopt;
}

Result<int64_t> vector_length(const InferContext& context, size_t i, const char* what) {
  const Shape& shape = context.shape(i);
  HONE_RETURN_IF_ERROR(require_dtype(context, i, is_integer, "an integer type"));
  if (shape.size() > 1) {
    return Status(Code::kModel,
                  fmt::format("{} has shape {}, not rank 1", what, shape_text(shape)));
  }
  if (shape.empty()) return 1;
  if (!shape[0].is_const()) {
    return Status(Code::kUnsupported, fmt::format("the length of {} is not a constant", what))
        .because("the rank of the result would not be known");
  }
  if (shape[0].value() > 4096) {
    return Status(Code::kModel, fmt::format("{} is too long", what));
  }
  return shape[0].value();
}

Result<std::vector<Dim>> vector_dims(const InferContext& context, size_t i, const char* what) {
  HONE_ASSIGN_OR_RETURN(int64_t length, vector_length(context, i, what));
  std::vector<Dim> dims(length, Dim::invalid());
  if (auto known = element_dims(context, i)) {
    if (static_cast<int64_t>(known->size()) == length) dims = std::move(*known);
  }
  return dims;
}

Dim or_fresh(const Dim& dim, InferContext& context) {
  return dim.is_valid() ? dim : context.symbols->fresh();
}

DimValues keep_values(DataType dtype, std::vector<Dim> values) {
  if (!is_integer(dtype) || values.size() > kMaxDimValues) return std::nullopt;
  const bool any = std::any_of(values.begin(), values.end(), [](auto& d) { return d.is_valid(); });
  if (!any && !values.empty()) return std::nullopt;
  return values;
}

DimValues moved_values(const InferContext& context, Status (*evaluate)(EvalContext&),
                       const TensorType& output) {
  const auto elements = element_dims(context, 0);
  const auto shape = to_static(context.shape(0));
  const auto output_shape = to_static(output.shape);
  if (!elements || !shape || !output_shape || !is_integer(output.dtype)) return std::nullopt;
  auto size = checked_num_elements(*output_shape);
  auto input_size = checked_num_elements(*shape);
  if (!size.ok() || *size > static_cast<int64_t>(kMaxDimValues)) return std::nullopt;
  if (!input_size.ok() || *input_size != static_cast<int64_t>(elements->size())) {
    return std::nullopt;
  }
  EvalContext eval;
  eval.attributes = context.attributes;
  std::vector<int64_t> numbers(elements->size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  eval.inputs.push_back(Tensor::from(*shape, numbers));
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.inputs[i].constant) {
      eval.inputs.push_back(*context.inputs[i].constant);
    } else if (auto values = context.int_values(i)) {
      const auto static_shape = to_static(context.shape(i));
      if (!static_shape || !is_integer(context.dtype(i))) return std::nullopt;
      eval.inputs.push_back(Tensor::from(*static_shape, *values));
    } else {
      return std::nullopt;
    }
  }
  eval.types = {{DataType::i64, output.shape}};
  eval.outputs.resize(1);
  if (!evaluate(eval).ok()) return std::nullopt;
  std::vector<Dim> values;
  const auto moved = eval.outputs[0].as_int64s();
  HONE_CHECK(moved.has_value());
  for (int64_t number : *moved) values.push_back((*elements)[number]);
  return keep_values(output.dtype, std::move(values));
}

}  // namespace hone

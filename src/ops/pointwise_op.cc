#include "ops/pointwise_op.h"

#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"

namespace hone {
namespace {

// Few, and looked up when shapes are bound only. Written while the registry is made, under its
// lock.
struct NamedBlocks {
  double (*scalar)(const double*);
  PointwiseBlocks blocks;
};
std::vector<NamedBlocks>& all_blocks() {
  static auto* const list = new std::vector<NamedBlocks>;  // lives as long as the process
  return *list;
}

bool in_domain(Domain domain, DataType dtype) {
  switch (domain) {
    case Domain::kFloat:
      return is_float(dtype);
    case Domain::kNumber:
      return is_float(dtype) || is_integer(dtype);
    case Domain::kInteger:
      return is_integer(dtype);
    case Domain::kBoolean:
      return dtype == DataType::boolean;
    case Domain::kAny:
      return dtype != DataType::string;
  }
  return false;
}

// Applies `dim` to the elements of shape tensors.
DimValues infer_values(Dim (*dim)(const Dim*), const InferContext& context,
                       const TensorType& output) {
  const auto shape = to_static(output.shape);
  if (!dim || !shape || !is_integer(output.dtype) || context.inputs.size() > 3) return std::nullopt;
  auto size = checked_num_elements(*shape);
  if (!size.ok() || *size > static_cast<int64_t>(kMaxDimValues)) return std::nullopt;
  std::vector<std::vector<Dim>> inputs;
  std::vector<std::vector<int64_t>> strides;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    auto values = element_dims(context, i);
    const auto input_shape = to_static(context.shape(i));
    if (!values || !input_shape) return std::nullopt;
    auto input_size = checked_num_elements(*input_shape);
    if (!input_size.ok() || *input_size != static_cast<int64_t>(values->size())) {
      return std::nullopt;
    }
    inputs.push_back(std::move(*values));
    strides.push_back(broadcast_strides(*input_shape, *shape));
  }
  std::vector<Dim> result;
  for_each_row(*shape, strides, [&](const int64_t* offsets, int64_t count) {
    for (int64_t n = 0; n < count; ++n) {
      Dim args[3];
      bool valid = true;
      for (size_t k = 0; k < inputs.size(); ++k) {
        args[k] = inputs[k][offsets[k] + n * row_stride(strides[k])];
        valid = valid && args[k].is_valid();
      }
      result.push_back(valid ? dim(args) : Dim::invalid());
    }
  });
  return keep_values(output.dtype, std::move(result));
}

Status check_divisors(const Tensor& divisors) {
  if (!is_integer(divisors.dtype())) return ok();
  return with_type(divisors.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* data = elements<T>(divisors);
    for (int64_t i = 0; i < divisors.num_elements(); ++i) {
      if (widen(data[i]) == 0) return Status(Code::kShape, "an integer is divided by zero");
    }
    return ok();
  });
}

// The arithmetic is in int64: larger unsigned values would be taken for negative ones.
template <class T>
Status check_range(const Tensor& tensor) {
  if constexpr (std::is_same_v<T, uint64_t>) {
    const T* data = elements<T>(tensor);
    for (int64_t i = 0; i < tensor.num_elements(); ++i) {
      if (data[i] >> 63) return Status(Code::kUnsupported, "a u64 value of 2^63 or more");
    }
  }
  return ok();
}

template <class T, class Result>
Status evaluate_typed(Wide<T> (*function)(const Wide<T>*), const EvalContext& context,
                      Tensor* output) {
  const size_t arity = context.inputs.size();
  std::vector<std::vector<int64_t>> strides;
  const T* data[3] = {};
  int64_t steps[3] = {};
  HONE_CHECK(arity <= 3);
  for (size_t k = 0; k < arity; ++k) {
    HONE_RETURN_IF_ERROR(check_range<T>(context.inputs[k]));
    strides.push_back(broadcast_strides(context.inputs[k].shape(), output->shape()));
    data[k] = elements<T>(context.inputs[k]);
    steps[k] = row_stride(strides[k]);
  }
  Result* to = mutable_elements<Result>(output);
  for_each_row(output->shape(), strides, [&](const int64_t* offsets, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      Wide<T> args[3];
      for (size_t k = 0; k < arity; ++k) args[k] = widen(data[k][offsets[k] + i * steps[k]]);
      const Wide<T> value = function(args);
      if constexpr (std::is_same_v<Result, T>) {
        *to++ = narrow<T>(value);
      } else {
        *to++ = value != 0;
      }
    }
  });
  return ok();
}

}  // namespace

void register_pointwise_blocks(double (*scalar)(const double*), PointwiseBlocks blocks) {
  all_blocks().push_back({scalar, blocks});
}

const PointwiseBlocks& pointwise_blocks(const OpDef& op) {
  const PointwiseBlocks* found = nullptr;
  for (const NamedBlocks& entry : all_blocks()) {
    if (entry.scalar == op.pointwise->f64) found = &entry.blocks;  // the last one is complete
  }
  HONE_CHECK(found != nullptr);
  return *found;
}

Status infer_pointwise(const PointwiseRule& rule, InferContext& context) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    if (!in_domain(rule.domain, context.dtype(i)) || context.dtype(i) != context.dtype(0)) {
      return Status(Code::kModel,
                    fmt::format("input {} has dtype {}", i, dtype_name(context.dtype(i))))
          .because(i == 0 ? "the operator does not take it" : "the inputs must have one dtype");
    }
    shapes.push_back(context.shape(i));
  }
  TensorType type;
  HONE_ASSIGN_OR_RETURN(type.shape, broadcast_shapes(shapes, context.symbols));
  type.dtype = rule.boolean_result ? DataType::boolean : context.dtype(0);
  DimValues values = infer_values(rule.dim, context, type);
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

Status evaluate_pointwise(const PointwiseInfo& info, bool divides, EvalContext& context) {
  if (divides) HONE_RETURN_IF_ERROR(check_divisors(context.inputs[1]));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_type(context.inputs[0].dtype(), [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    auto run = [&](auto function) {
      return output->dtype() == dtype_of<T>() ? evaluate_typed<T, T>(function, context, output)
                                              : evaluate_typed<T, bool>(function, context, output);
    };
    if constexpr (kIsFloat<T>) {
      return run(info.f64);
    } else {
      HONE_CHECK(info.i64 != nullptr);
      return run(info.i64);
    }
  });
}

}  // namespace hone

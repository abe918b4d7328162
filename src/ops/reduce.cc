// ReduceSum, ReduceMean, ReduceMax ...: elements combined along axes.
#include <fmt/format.h>

#include <algorithm>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/reduce_states.h"
#include "ops/reduction.h"

namespace hone {
namespace {

Result<std::vector<bool>> reduced_axes(const ReduceAttributes& attributes, size_t rank) {
  std::vector<bool> reduced(rank, attributes.axes.empty());
  HONE_ASSIGN_OR_RETURN(const std::vector<int> axes, resolve_axes(attributes.axes, rank));
  for (int axis : axes) reduced[axis] = true;
  return reduced;
}

Status infer_reduce(InferContext& context, DimValues values = std::nullopt) {
  const auto& attributes = context.attr<ReduceAttributes>();
  const Shape& data = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const std::vector<bool> reduced, reduced_axes(attributes, data.size()));
  Shape shape;
  for (size_t i = 0; i < data.size(); ++i) {
    if (!reduced[i]) {
      shape.push_back(data[i]);
    } else if (attributes.keepdims) {
      shape.push_back(Dim(1));
    }
  }
  context.set_output(context.dtype(0), std::move(shape), std::move(values));
  return ok();
}

Status infer_number(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  return infer_reduce(context);
}

Status infer_float(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  return infer_reduce(context);
}

// Sums, products and extremes of shape vectors.
template <Dim (*kCombine)(const Dim&, const Dim&), bool kBooleans>
Status infer_with_values(InferContext& context) {
  const bool boolean = context.dtype(0) == DataType::boolean;
  if (!(kBooleans && boolean)) {
    HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  }
  const auto elements = element_dims(context, 0);
  DimValues values;
  if (context.shape(0).size() == 1 && elements && !elements->empty()) {
    Dim total = elements->front();
    for (size_t i = 1; i < elements->size(); ++i) total = kCombine(total, (*elements)[i]);
    values = keep_values(context.dtype(0), {total});
  }
  return infer_reduce(context, std::move(values));
}

Dim add_dims(const Dim& a, const Dim& b) { return a + b; }
Dim multiply_dims(const Dim& a, const Dim& b) { return a * b; }
Dim larger_dim(const Dim& a, const Dim& b) { return max(a, b); }
Dim smaller_dim(const Dim& a, const Dim& b) { return min(a, b); }

// Splits the axes of the input: those that stay and those that are combined.
struct ReducePlan {
  std::vector<int64_t> kept_shape, kept_strides, reduced_shape, reduced_strides;
  int64_t count = 1;
};

template <class State, class T>
void reduce(const ReducePlan& plan, const T* data, T* to) {
  const int64_t outer_step = row_stride(plan.kept_strides);
  const int64_t inner_step = row_stride(plan.reduced_strides);
  for_each_row(plan.kept_shape, {plan.kept_strides}, [&](const int64_t* outer, int64_t rows) {
    for (int64_t r = 0; r < rows; ++r) {
      const T* base = data + outer[0] + r * outer_step;
      State state;
      auto walk = [&](auto visit) {
        for_each_row(plan.reduced_shape, {plan.reduced_strides},
                     [&](const int64_t* inner, int64_t count) {
                       for (int64_t i = 0; i < count; ++i) {
                         visit(widen(base[inner[0] + i * inner_step]));
                       }
                     });
      };
      if constexpr (requires { state.prepare(Wide<T>()); }) {
        walk([&](Wide<T> x) { state.prepare(x); });
      }
      walk([&](Wide<T> x) { state.add(x); });
      if constexpr (kIsExtreme<State, T>) {
        *to++ = plan.count == 0 ? empty_extreme<State, T>() : narrow<T>(state.finish(plan.count));
      } else {
        *to++ = narrow<T>(state.finish(plan.count));
      }
    }
  });
}

template <template <class> class State>
Status evaluate_reduce(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const std::vector<bool> reduced,
                        reduced_axes(context.attr<ReduceAttributes>(), data.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  ReducePlan plan;
  const std::vector<int64_t> strides = dense_strides(data.shape());
  for (size_t i = 0; i < strides.size(); ++i) {
    (reduced[i] ? plan.reduced_shape : plan.kept_shape).push_back(data.shape()[i]);
    (reduced[i] ? plan.reduced_strides : plan.kept_strides).push_back(strides[i]);
    if (reduced[i]) plan.count *= data.shape()[i];
  }
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    reduce<State<Wide<T>>, T>(plan, elements<T>(data), mutable_elements<T>(output));
    return ok();
  });
}

template <template <class> class State>
OpDef reduce_op(const char* name, const char* summary, Status (*infer)(InferContext&)) {
  return {.name = name,
          .summary = summary,
          .defaults = ReduceAttributes{},
          .infer = infer,
          .evaluate = evaluate_reduce<State>};
}

}  // namespace

std::vector<OpDef> reduce_ops() {
  return {
      reduce_op<SumOf>("ReduceSum", "sum along axes", infer_with_values<add_dims, false>),
      reduce_op<MeanOf>("ReduceMean", "mean along axes; integers truncate", infer_number),
      reduce_op<ProductOf>("ReduceProd", "product along axes",
                           infer_with_values<multiply_dims, false>),
      reduce_op<LargestOf>("ReduceMax", "largest element along axes; NaN if there is one",
                           infer_with_values<larger_dim, true>),
      reduce_op<SmallestOf>("ReduceMin", "smallest element along axes; NaN if there is one",
                            infer_with_values<smaller_dim, true>),
      reduce_op<SumSquareOf>("ReduceSumSquare", "sum of squares along axes", infer_number),
      reduce_op<L1Of>("ReduceL1", "sum of absolute values along axes", infer_number),
      reduce_op<L2Of>("ReduceL2", "square root of the sum of squares along axes", infer_number),
      reduce_op<LogSumExpOf>("ReduceLogSumExp", "log of the sum of e^x along axes", infer_float),
  };
}

}  // namespace hone

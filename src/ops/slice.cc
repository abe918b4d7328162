// Slice(data, starts, ends, [axes], [steps]): NumPy's basic slicing, as in ONNX.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/slice_cut.h"

namespace hone {
namespace {

// Bounds as large as this mean "to the end": no dimension is as large, and exporters write
// INT32_MAX as well as INT64_MAX.
constexpr int64_t kToTheEnd = INT32_MAX;

// normal_bound() for dimensions and bounds that may be expressions; invalid() when the sign of a
// bound is not known.
Dim symbolic_bound(const Dim& bound, const Dim& dim, const Dim& low, const Dim& high) {
  if (!bound.is_valid()) return bound;
  if (bound.is_const() && bound.value() >= kToTheEnd) return high;
  if (bound.is_const() && bound.value() <= -kToTheEnd) return low;
  if (bound.lower_bound().value_or(-1) >= 0) return min(bound, high);
  if (bound.upper_bound().value_or(0) < 0) return max(dim + bound, low);
  return Dim::invalid();
}

Dim symbolic_count(const Dim& dim, const Dim& start, const Dim& end, int64_t step) {
  if (dim.is_const() && start.is_const() && end.is_const()) {
    return Dim(cut(dim.value(), start.value(), end.value(), step).count);
  }
  if (step == INT64_MIN) return Dim::invalid();
  const Dim low(step > 0 ? 0 : -1);
  const Dim high = step > 0 ? dim : dim - Dim(1);
  const Dim first = symbolic_bound(start, dim, low, high);
  const Dim last = symbolic_bound(end, dim, low, high);
  Dim length = step > 0 ? last - first : first - last;
  if (step > 0 && last == dim && start.is_valid() && first.is_valid()) {
    // Simpler forms of dim - min(start, dim) and dim - max(dim + start, 0).
    if (first == Dim(0)) {
      length = dim;
    } else if (start.lower_bound().value_or(-1) >= 0) {
      length = max(dim - start, Dim(0));
    } else {
      length = min(-start, dim);
    }
  }
  length = max(length, Dim(0));
  const int64_t stride = step > 0 ? step : -step;
  return stride == 1 ? length : ceil_div(length, Dim(stride));
}

struct SliceArguments {
  std::vector<Dim> starts, ends;
  std::vector<int> axes;
  std::vector<int64_t> steps;
};

Result<SliceArguments> read_arguments(const InferContext& context) {
  SliceArguments arguments;
  const size_t rank = context.shape(0).size();
  HONE_ASSIGN_OR_RETURN(arguments.starts, vector_dims(context, 1, "starts"));
  HONE_ASSIGN_OR_RETURN(arguments.ends, vector_dims(context, 2, "ends"));
  const size_t count = arguments.starts.size();
  std::vector<int64_t> axes, steps(count, 1);
  for (size_t i = 0; i < count; ++i) axes.push_back(static_cast<int64_t>(i));
  for (size_t input : {3, 4}) {
    if (context.inputs.size() <= input) break;
    const auto values = context.int_values(input);
    if (!values) {
      return Status(Code::kUnsupported,
                    fmt::format("{} are not constant", input == 3 ? "axes" : "steps"))
          .because("the shape of the result would not be known");
    }
    (input == 3 ? axes : steps) = *values;
  }
  if (arguments.ends.size() != count || axes.size() != count || steps.size() != count) {
    return Status(Code::kModel, "starts, ends, axes and steps differ in length");
  }
  for (int64_t axis : axes) {
    HONE_ASSIGN_OR_RETURN(int positive, resolve_axis(axis, rank));
    arguments.axes.push_back(positive);
  }
  HONE_ASSIGN_OR_RETURN(auto unique, resolve_axes(axes, rank));
  for (int64_t step : steps) {
    if (step == 0) return Status(Code::kModel, "a step is 0");
  }
  arguments.steps = std::move(steps);
  return arguments;
}

Status evaluate_slice(EvalContext& context) {
  const Tensor& input = context.inputs[0];
  // The arguments are read as in inference, all of them constants.
  InferContext infer;
  for (const Tensor& tensor : context.inputs) {
    infer.inputs.push_back({{tensor.dtype(), to_shape(tensor.shape())}, &tensor, std::nullopt});
  }
  HONE_ASSIGN_OR_RETURN(const SliceArguments arguments, read_arguments(infer));
  std::vector<int64_t> strides = dense_strides(input.shape()), shape = input.shape();
  int64_t base = 0;
  for (size_t i = 0; i < arguments.axes.size(); ++i) {
    if (!arguments.starts[i].is_const() || !arguments.ends[i].is_const()) {
      return Status(Code::kShape, "starts or ends have elements that do not fit");
    }
    const int axis = arguments.axes[i];
    const Cut part = cut(shape[axis], arguments.starts[i].value(), arguments.ends[i].value(),
                         arguments.steps[i]);
    base += part.start * strides[axis];
    shape[axis] = part.count;
    // With one element the step is never taken and may be anything.
    strides[axis] = part.count > 1 ? strides[axis] * arguments.steps[i] : 0;
  }
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->shape() != shape) return Status(Code::kShape, "the result has another shape");
  return copy_strided(input, base, strides, output);
}

Status infer_slice(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(const SliceArguments arguments, read_arguments(context));
  TensorType type = context.inputs[0].type;
  for (size_t i = 0; i < arguments.axes.size(); ++i) {
    Dim& dim = type.shape[arguments.axes[i]];
    dim = or_fresh(symbolic_count(dim, arguments.starts[i], arguments.ends[i], arguments.steps[i]),
                   context);
  }
  DimValues values = moved_values(context, evaluate_slice, type);
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

}  // namespace

std::vector<OpDef> slice_ops() {
  return {{.name = "Slice",
           .summary = "NumPy's basic slicing; inputs data, starts, ends, optional axes and steps",
           .min_inputs = 3,
           .max_inputs = 5,
           .infer = infer_slice,
           .evaluate = evaluate_slice}};
}

}  // namespace hone

// Range(start, limit, delta): start, start + delta, ... before limit.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

// The number of elements of an integer range.
Dim range_size(const Dim& start, const Dim& limit, int64_t delta) {
  if (delta == INT64_MIN) return Dim::invalid();
  return delta > 0 ? max(ceil_div(limit - start, Dim(delta)), Dim(0))
                   : max(ceil_div(start - limit, Dim(-delta)), Dim(0));
}

// In the arithmetic of the dtype, as TensorFlow and ONNX Runtime do.
template <class T>
Result<int64_t> float_range_size(const InferContext& context) {
  const T start(elements<T>(*context.inputs[0].constant)[0]);
  const T limit(elements<T>(*context.inputs[1].constant)[0]);
  const T delta(elements<T>(*context.inputs[2].constant)[0]);
  const double count = std::is_same_v<T, double>
                           ? std::ceil((widen(limit) - widen(start)) / widen(delta))
                           : std::ceil((static_cast<float>(limit) - static_cast<float>(start)) /
                                       static_cast<float>(delta));
  if (!(count < 1e18)) {
    return Status(Code::kShape, fmt::format("a range has {} elements", count));
  }
  return std::max<int64_t>(0, static_cast<int64_t>(std::max(count, -1.0)));
}

Status infer_float_range(InferContext& context) {
  for (const InferInput& input : context.inputs) {
    if (input.constant && input.constant->num_elements() == 1) continue;
    context.set_output(context.dtype(0), {context.symbols->fresh()});
    return ok();
  }
  int64_t size = 0;
  HONE_RETURN_IF_ERROR(with_type(context.dtype(0), [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      HONE_ASSIGN_OR_RETURN(size, float_range_size<T>(context));
    }
    return ok();
  }));
  context.set_output(context.dtype(0), {Dim(size)});
  return ok();
}

Status infer_range(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  for (size_t i = 0; i < 3; ++i) {
    if (context.dtype(i) != context.dtype(0)) {
      return Status(Code::kModel, "start, limit and delta have different dtypes");
    }
    HONE_RETURN_IF_ERROR(context.require_equal(num_elements(context.shape(i)), Dim(1),
                                               "start, limit or delta is not a scalar"));
  }
  if (is_float(context.dtype(0))) return infer_float_range(context);
  Dim args[3] = {Dim::invalid(), Dim::invalid(), Dim::invalid()};
  for (size_t i = 0; i < 3; ++i) {
    const auto values = element_dims(context, i);
    if (values && values->size() == 1) args[i] = values->front();
  }
  Dim size = Dim::invalid();
  if (args[2].is_const()) {
    if (args[2] == Dim(0)) return Status(Code::kShape, "delta is 0");
    size = range_size(args[0], args[1], args[2].value());
  }
  size = or_fresh(size, context);
  DimValues values;
  if (size.is_const() && size.value() <= static_cast<int64_t>(kMaxDimValues)) {
    std::vector<Dim> list;
    for (int64_t i = 0; i < size.value(); ++i) list.push_back(args[0] + Dim(i) * args[2]);
    values = keep_values(context.dtype(0), std::move(list));
  }
  context.set_output(context.dtype(0), {size}, std::move(values));
  return ok();
}

Status evaluate_range(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_type(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const Wide<T> start = widen(elements<T>(context.inputs[0])[0]);
    const Wide<T> delta = widen(elements<T>(context.inputs[2])[0]);
    T* to = mutable_elements<T>(output);
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      to[i] = narrow<T>(start + static_cast<Wide<T>>(i) * delta);
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> range_ops() {
  return {{.name = "Range",
           .summary = "start, start + delta, ... before limit; inputs start, limit, delta",
           .min_inputs = 3,
           .max_inputs = 3,
           .infer = infer_range,
           .evaluate = evaluate_range}};
}

}  // namespace hone

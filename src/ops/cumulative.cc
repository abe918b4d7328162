// CumSum and CumProd: running sums and products along an axis.
#include <algorithm>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

Status infer_cumulative(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  HONE_RETURN_IF_ERROR(
      resolve_axis(context.attr<CumulativeAttributes>().axis, context.shape(0).size()).status());
  context.set_output(context.dtype(0), context.shape(0));
  return ok();
}

template <bool kProduct, class W>
W combine(W a, W b) {
  if constexpr (std::is_integral_v<W>) {  // wraps around
    const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    return static_cast<W>(kProduct ? x * y : x + y);
  } else {
    return kProduct ? a * b : a + b;
  }
}

template <bool kProduct>
Status evaluate_cumulative(EvalContext& context) {
  const auto& attributes = context.attr<CumulativeAttributes>();
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, data.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  const int64_t size = data.dim(axis);
  int64_t inner = 1;
  for (int i = axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  if (data.num_elements() == 0) return ok();
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t line = 0; line < data.num_elements() / size; ++line) {
      const int64_t begin = line / inner * size * inner + line % inner;
      Wide<T> sum = kProduct ? 1 : 0;
      for (int64_t k = 0; k < size; ++k) {
        const int64_t place = begin + (attributes.reverse ? size - 1 - k : k) * inner;
        const Wide<T> next = combine<kProduct>(sum, widen(elements<T>(data)[place]));
        mutable_elements<T>(output)[place] = narrow<T>(attributes.exclusive ? sum : next);
        sum = next;
      }
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> cumulative_ops() {
  return {{.name = "CumProd",
           .summary = "Running product along an axis",
           .defaults = CumulativeAttributes{},
           .infer = infer_cumulative,
           .evaluate = evaluate_cumulative<true>},
          {.name = "CumSum",
           .summary = "Running sum along an axis",
           .defaults = CumulativeAttributes{},
           .infer = infer_cumulative,
           .evaluate = evaluate_cumulative<false>}};
}

}  // namespace hone

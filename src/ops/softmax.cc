// Softmax and LogSoftmax along one axis.
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/reduction.h"

namespace hone {
namespace {

Status infer_softmax(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  HONE_ASSIGN_OR_RETURN(
      [[maybe_unused]] const int axis,
      resolve_axis(context.attr<SoftmaxAttributes>().axis, context.shape(0).size()));
  context.set_output(context.dtype(0), context.shape(0));
  return ok();
}

template <bool kLog, class T>
void softmax_line(const T* from, T* to, int64_t size, int64_t stride) {
  double largest = -INFINITY, sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    largest = std::max(largest, static_cast<double>(widen(from[i * stride])));
  }
  for (int64_t i = 0; i < size; ++i) sum += std::exp(widen(from[i * stride]) - largest);
  for (int64_t i = 0; i < size; ++i) {
    const double shifted = widen(from[i * stride]) - largest;
    to[i * stride] = narrow<T>(kLog ? shifted - std::log(sum) : std::exp(shifted) / sum);
  }
}

template <bool kLog>
Status evaluate_softmax(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis,
                        resolve_axis(context.attr<SoftmaxAttributes>().axis, data.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= data.dim(i);
  for (int i = axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      const T* from = elements<T>(data);
      T* to = mutable_elements<T>(output);
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t i = 0; i < inner; ++i) {
          const int64_t begin = o * data.dim(axis) * inner + i;
          softmax_line<kLog>(from + begin, to + begin, data.dim(axis), inner);
        }
      }
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> softmax_ops() {
  return {{.name = "Softmax",
           .summary = "e^x / sum of e^x along an axis",
           .defaults = SoftmaxAttributes{},
           .infer = infer_softmax,
           .evaluate = evaluate_softmax<false>},
          {.name = "LogSoftmax",
           .summary = "log of Softmax",
           .defaults = SoftmaxAttributes{},
           .infer = infer_softmax,
           .evaluate = evaluate_softmax<true>}};
}

}  // namespace hone

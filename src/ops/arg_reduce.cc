// ArgMax and ArgMin: the index of the extreme along an axis.
#include "ops/arg_reduce.h"

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/reduction.h"

namespace hone {
namespace {

Status infer_arg(InferContext& context) {
  const auto& attributes = context.attr<ArgAttributes>();
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  Shape shape = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, shape.size()));
  if (attributes.output != DataType::i64 && attributes.output != DataType::i32) {
    return Status(Code::kModel, "the output is neither i64 nor i32");
  }
  if (attributes.keepdims) {
    shape[axis] = Dim(1);
  } else {
    shape.erase(shape.begin() + axis);
  }
  context.set_output(attributes.output, std::move(shape));
  return ok();
}

template <bool kMax, class T, class Index>
Status arg_reduce(const Tensor& data, int axis, bool select_last, Tensor* output) {
  const int64_t size = data.dim(axis);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= data.dim(i);
  for (int i = axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  if (output->num_elements() == 0) return ok();
  if (size == 0) return Status(Code::kShape, "there is no extreme of no elements");
  const T* from = elements<T>(data);
  Index* to = mutable_elements<Index>(output);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* line = from + o * size * inner + i;
      int64_t best = 0;
      for (int64_t k = 1; k < size; ++k) {
        if (is_better<kMax>(widen(line[k * inner]), widen(line[best * inner]), select_last)) {
          best = k;
        }
      }
      *to++ = static_cast<Index>(best);
    }
  }
  return ok();
}

template <bool kMax>
Status evaluate_arg(EvalContext& context) {
  const auto& attributes = context.attr<ArgAttributes>();
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, data.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    return output->dtype() == DataType::i32
               ? arg_reduce<kMax, T, int32_t>(data, axis, attributes.select_last, output)
               : arg_reduce<kMax, T, int64_t>(data, axis, attributes.select_last, output);
  });
}

}  // namespace

std::vector<OpDef> arg_reduce_ops() {
  return {{.name = "ArgMax",
           .summary = "Index of the largest element along an axis",
           .defaults = ArgAttributes{},
           .infer = infer_arg,
           .evaluate = evaluate_arg<true>},
          {.name = "ArgMin",
           .summary = "Index of the smallest element along an axis",
           .defaults = ArgAttributes{},
           .infer = infer_arg,
           .evaluate = evaluate_arg<false>}};
}

}  // namespace hone

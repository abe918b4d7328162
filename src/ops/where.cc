// Where(condition, a, b).
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

Status infer_where(InferContext& context) {
  if (context.dtype(0) != DataType::boolean || context.dtype(1) != context.dtype(2)) {
    return Status(Code::kModel,
                  fmt::format("the inputs have dtypes {}, {} and {}", dtype_name(context.dtype(0)),
                              dtype_name(context.dtype(1)), dtype_name(context.dtype(2))))
        .because("it takes a condition and two inputs of one dtype");
  }
  const Shape shapes[] = {context.shape(0), context.shape(1), context.shape(2)};
  HONE_ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(shapes, context.symbols));
  context.set_output(context.dtype(1), std::move(shape));
  return ok();
}

Status evaluate_where(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  std::vector<std::vector<int64_t>> strides;
  for (const Tensor& input : context.inputs) {
    strides.push_back(broadcast_strides(input.shape(), output->shape()));
  }
  return with_storage(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const bool* condition = context.inputs[0].data<bool>();
    const T* data[] = {elements<T>(context.inputs[1]), elements<T>(context.inputs[2])};
    T* to = mutable_elements<T>(output);
    for_each_row(output->shape(), strides, [&](const int64_t* offsets, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const int k = condition[offsets[0] + i * row_stride(strides[0])] ? 1 : 2;
        *to++ = data[k - 1][offsets[k] + i * row_stride(strides[k])];
      }
    });
    return ok();
  });
}

}  // namespace

std::vector<OpDef> where_ops() {
  OpDef op =
      pointwise_op("Where", "a where the condition holds, else b; inputs condition (bool), a, b",
                   [](auto condition, auto a, auto b) { return condition != 0 ? a : b; },
                   {.domain = Domain::kAny});
  op.infer = infer_where;
  op.evaluate = evaluate_where;
  return {op};
}

}  // namespace hone

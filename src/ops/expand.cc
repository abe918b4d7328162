// Expand(data, shape): broadcasting of data and shape, as in ONNX.
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status evaluate_expand(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return copy_strided(context.inputs[0], 0,
                      broadcast_strides(context.inputs[0].shape(), output->shape()), output);
}

Status infer_expand(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(Shape wanted, vector_dims(context, 1, "the shape"));
  const Shape& data = context.shape(0);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].is_const() && wanted[i].value() < 0) {
      return Status(Code::kModel, "the shape has a negative element");
    }
    // An element that is not known: whatever it is, it gives the result's size, unless it is 1.
    if (!wanted[i].is_valid()) {
      const size_t from_end = wanted.size() - i;
      const bool may_broadcast = from_end <= data.size() && data[data.size() - from_end] != Dim(1);
      wanted[i] = may_broadcast ? data[data.size() - from_end] : context.symbols->fresh();
    }
  }
  const Shape shapes[] = {data, std::move(wanted)};
  TensorType type{context.dtype(0), {}};
  HONE_ASSIGN_OR_RETURN(type.shape, broadcast_shapes(shapes, context.symbols));
  DimValues values;
  if (to_static(data) && to_static(type.shape)) {
    // Only the type matters to the evaluator; the shape input need not be a constant.
    InferContext copy;
    copy.attributes = context.attributes;
    copy.inputs = {context.inputs[0]};
    values = moved_values(copy, evaluate_expand, type);
  }
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

}  // namespace

std::vector<OpDef> expand_ops() {
  return {{.name = "Expand",
           .summary = "Broadcasts to a shape; inputs data, shape",
           .min_inputs = 2,
           .max_inputs = 2,
           .infer = infer_expand,
           .evaluate = evaluate_expand}};
}

}  // namespace hone

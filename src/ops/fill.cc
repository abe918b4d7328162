// Fill(shape, value): a tensor of one value (ONNX ConstantOfShape, TensorFlow Fill).
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_fill(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(Shape shape, vector_dims(context, 0, "the shape"));
  HONE_RETURN_IF_ERROR(context.require_equal(num_elements(context.shape(1)), Dim(1),
                                             "the value has more than one element"));
  for (Dim& dim : shape) dim = or_fresh(dim, context);
  DimValues values;
  const auto value = element_dims(context, 1);
  const Dim size = num_elements(shape);
  if (value && value->size() == 1 && size.is_const() && size.value() >= 0 &&
      size.value() <= static_cast<int64_t>(kMaxDimValues)) {
    values = keep_values(context.dtype(1), std::vector<Dim>(size.value(), value->front()));
  }
  context.set_output(context.dtype(1), std::move(shape), std::move(values));
  return ok();
}

Status evaluate_fill(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  const std::vector<int64_t> strides(output->shape().size(), 0);
  return copy_strided(context.inputs[1], 0, strides, output);
}

}  // namespace

std::vector<OpDef> fill_ops() {
  return {{.name = "Fill",
           .summary = "A tensor of one value; inputs shape, value (scalar)",
           .min_inputs = 2,
           .max_inputs = 2,
           .infer = infer_fill,
           .evaluate = evaluate_fill}};
}

}  // namespace hone

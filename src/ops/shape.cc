// Shape and Size: what shape inference knows, as i64 tensors.
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_shape(InferContext& context) {
  const Shape& shape = context.shape(0);
  context.set_output(DataType::i64, {Dim(static_cast<int64_t>(shape.size()))},
                     keep_values(DataType::i64, shape));
  return ok();
}

Status evaluate_shape(EvalContext& context) {
  const std::vector<int64_t>& shape = context.inputs[0].shape();
  context.outputs[0] = Tensor::from({static_cast<int64_t>(shape.size())}, shape);
  return ok();
}

Status infer_size(InferContext& context) {
  context.set_output(DataType::i64, {},
                     keep_values(DataType::i64, {num_elements(context.shape(0))}));
  return ok();
}

Status evaluate_size(EvalContext& context) {
  context.outputs[0] = Tensor::scalar<int64_t>(context.inputs[0].num_elements());
  return ok();
}

}  // namespace

std::vector<OpDef> shape_ops() {
  return {{.name = "Shape",
           .summary = "The dimensions of the input, i64",
           .infer = infer_shape,
           .evaluate = evaluate_shape},
          {.name = "Size",
           .summary = "The number of elements of the input, i64 scalar",
           .infer = infer_size,
           .evaluate = evaluate_size}};
}

}  // namespace hone

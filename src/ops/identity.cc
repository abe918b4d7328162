// Identity: its input.
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_identity(InferContext& context) {
  context.set_output(context.dtype(0), context.shape(0), context.inputs[0].values);
  return ok();
}

Status evaluate_identity(EvalContext& context) {
  context.outputs[0] = context.inputs[0];
  return ok();
}

}  // namespace

std::vector<OpDef> identity_ops() {
  return {{.name = "Identity",
           .summary = "The input as it is",
           .infer = infer_identity,
           .evaluate = evaluate_identity}};
}

}  // namespace hone

// Pointwise: a program over broadcast inputs.
#include "ops/pointwise.h"

#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_pointwise_program(InferContext& context) {
  const Program& program = context.attr<PointwiseAttributes>().program;
  if (program.empty()) return Status(Code::kModel, "the program is empty");
  std::vector<TensorType> types;
  for (const InferInput& input : context.inputs) types.push_back(input.type);
  TensorType type;
  HONE_RETURN_IF_ERROR(infer_program(program, types, context, &type));
  context.set_output(type.dtype, std::move(type.shape));
  return ok();
}

Status evaluate_pointwise_program(EvalContext& context) {
  const Program& program = context.attr<PointwiseAttributes>().program;
  HONE_ASSIGN_OR_RETURN(context.outputs[0],
                        evaluate_program(program, context.inputs, context.types[0]));
  return ok();
}

}  // namespace

std::vector<OpDef> pointwise_ops() {
  return {{.name = "Pointwise",
           .summary = "A program of pointwise operators over broadcast inputs",
           .min_inputs = 1,
           .max_inputs = -1,
           .defaults = PointwiseAttributes{},
           .infer = infer_pointwise_program,
           .evaluate = evaluate_pointwise_program}};
}

}  // namespace hone

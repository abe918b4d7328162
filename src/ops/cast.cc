// Cast: conversion between data types.
#include "ops/cast_element.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_cast(InferContext& context) {
  const DataType to = context.attr<CastAttributes>().to;
  if (context.dtype(0) == DataType::string || to == DataType::string) {
    return Status(Code::kUnsupported, "strings cannot be cast");
  }
  DimValues values;
  if (is_integer(context.dtype(0)) && is_integer(to)) values = element_dims(context, 0);
  if (values) values = keep_values(to, std::move(*values));
  context.set_output(to, context.shape(0), std::move(values));
  return ok();
}

Status evaluate_cast(EvalContext& context) {
  const Tensor& input = context.inputs[0];
  if (input.dtype() == context.types[0].dtype) {
    context.outputs[0] = input;
    return ok();
  }
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_type(input.dtype(), [&](auto from_type) {
    using From = typename decltype(from_type)::type;
    return with_type(output->dtype(), [&](auto to_type) {
      using To = typename decltype(to_type)::type;
      const From* from = elements<From>(input);
      To* to = mutable_elements<To>(output);
      for (int64_t i = 0; i < input.num_elements(); ++i) to[i] = cast_element<To>(from[i]);
      return ok();
    });
  });
}

}  // namespace

std::vector<OpDef> cast_ops() {
  return {{.name = "Cast",
           .summary = "Converts to another data type; floating point to integer truncates and "
                      "saturates",
           .defaults = CastAttributes{},
           .infer = infer_cast,
           .evaluate = evaluate_cast}};
}

}  // namespace hone

#include "ops/conv_chain.h"

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

const OpDef& conv_op() {
  static const OpDef& conv = op("Conv");
  return conv;
}

// The type behind part `i` of the chain, with its epilogue.
Result<TensorType> infer_part(InferContext& context, size_t i, const InferInput& data,
                              const Program& epilogue) {
  const Attributes attributes(context.attr<ConvChainAttributes>().part(i));
  if (!epilogue.empty() && epilogue.num_inputs != 1) {
    return Status(Code::kModel, "an epilogue inside the chain reads other tensors");
  }
  InferContext part;
  part.attributes = &attributes;
  part.symbols = context.symbols;
  part.inputs = {data, context.inputs[2 * i + 1], context.inputs[2 * i + 2]};
  HONE_RETURN_IF_ERROR(infer_types(conv_op(), epilogue, part));
  return part.outputs[0];
}

Status infer_conv_chain(InferContext& context) {
  const auto& attributes = context.attr<ConvChainAttributes>();
  if (context.inputs.size() % 2 == 0) {
    return Status(Code::kModel, "each Conv of a chain needs weights and bias");
  }
  const size_t length = ConvChainAttributes::length(context.inputs.size());
  InferInput data = context.inputs[0];
  for (size_t i = 0; i < length; ++i) {
    const Program epilogue = i + 1 < length ? attributes.epilogue(i) : Program();
    HONE_ASSIGN_OR_RETURN(TensorType type, infer_part(context, i, data, epilogue));
    data = {std::move(type), nullptr, std::nullopt};
  }
  context.set_output(data.type.dtype, data.type.shape);
  return ok();
}

Status evaluate_conv_chain(EvalContext& context) {
  const auto& attributes = context.attr<ConvChainAttributes>();
  const size_t length = ConvChainAttributes::length(context.inputs.size());
  Tensor data = context.inputs[0];
  for (size_t i = 0; i < length; ++i) {
    const Program epilogue = i + 1 < length ? attributes.epilogue(i) : Program();
    const Tensor inputs[] = {data, context.inputs[2 * i + 1], context.inputs[2 * i + 2]};
    HONE_ASSIGN_OR_RETURN(auto results,
                          evaluate_reference(conv_op(), attributes.part(i), epilogue, inputs));
    data = std::move(results[0]);
  }
  context.outputs.resize(1);
  context.outputs[0] = std::move(data);
  return ok();
}

}  // namespace

std::vector<OpDef> conv_chain_ops() {
  return {{.name = "ConvChain",
           .summary = "Two or three Convs one after another; inputs data, then weights and bias of "
                      "each",
           .min_inputs = 5,
           .max_inputs = 7,
           .defaults = ConvChainAttributes{},
           .infer = infer_conv_chain,
           .evaluate = evaluate_conv_chain}};
}

}  // namespace hone

#include "tactics/conv_chain_parts.h"

#include "base/check.h"
#include "ops/ops.h"

namespace hone {
namespace {

// What the Conv with its epilogue makes; inferred before, so it cannot fail.
TensorType result_type(const StepDesc& conv) {
  SymbolScope symbols;
  InferContext context;
  context.attributes = &conv.attributes;
  context.symbols = &symbols;
  for (const OperandDesc& input : conv.inputs) {
    context.inputs.push_back({input.type, nullptr, std::nullopt});
  }
  HONE_CHECK(infer_types(*conv.op, conv.epilogue, context).ok());
  return context.outputs[0];
}

}  // namespace

std::vector<StepDesc> conv_chain_parts(const StepDesc& step) {
  const auto& attributes = step.attr<ConvChainAttributes>();
  const size_t root = step.num_root_inputs(), length = ConvChainAttributes::length(root);
  std::vector<StepDesc> parts(length);
  OperandDesc data = step.inputs[0];
  for (size_t i = 0; i < length; ++i) {
    StepDesc& part = parts[i];
    part.op = &op("Conv");
    part.attributes = attributes.part(i);
    part.strict_fp32 = step.strict_fp32;
    part.inputs = {data, step.inputs[2 * i + 1], step.inputs[2 * i + 2]};
    if (i + 1 < length) {
      part.epilogue = attributes.epilogue(i);
      data = {result_type(part), nullptr, false};
      part.outputs = {data};
    } else {
      part.epilogue = step.epilogue;
      part.inputs.insert(part.inputs.end(), step.inputs.begin() + static_cast<ptrdiff_t>(root),
                         step.inputs.end());
      part.outputs = step.outputs;
    }
  }
  return parts;
}

}  // namespace hone

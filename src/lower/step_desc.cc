#include "lower/lower.h"

namespace hone {

StepDesc make_step_desc(const Portable& portable, const PlanStep& step) {
  StepDesc desc;
  desc.op = step.op;
  desc.attributes = step.attributes;
  desc.epilogue = step.epilogue;
  desc.strict_fp32 = portable.strict_fp32;
  desc.sizes_outputs = step.ends_stage;
  const auto describe = [&portable](int index) {
    const PlanValue& value = portable.values[index];
    OperandDesc operand;
    operand.type = value.type;
    operand.is_constant = value.kind == ValueKind::kConstant;
    operand.constant = value.has_data ? &value.constant : nullptr;
    return operand;
  };
  for (int index : step.inputs) desc.inputs.push_back(describe(index));
  for (int index : step.outputs) desc.outputs.push_back(describe(index));
  return desc;
}

std::vector<StepDesc> make_step_descs(const Portable& portable) {
  std::vector<StepDesc> descs;
  for (const PlanStep& step : portable.steps) descs.push_back(make_step_desc(portable, step));
  return descs;
}

int64_t weight_bytes(const Portable& portable, const Tuned& tuned) {
  auto bytes = static_cast<int64_t>(tuned.packed_bytes);
  for (const PlanValue& value : portable.values) {
    if (value.has_data) bytes += static_cast<int64_t>(value.constant.bytes());
  }
  return bytes;
}

StepDesc substitute_shapes(const StepDesc& step, const SymbolValues& symbols) {
  StepDesc concrete = step;
  const auto substitute = [&symbols](OperandDesc& operand) {
    for (Dim& dim : operand.type.shape) {
      auto value = dim.eval(symbols);
      if (value.ok() && *value >= 0) dim = Dim(*value);
    }
  };
  for (OperandDesc& operand : concrete.inputs) substitute(operand);
  for (OperandDesc& operand : concrete.outputs) substitute(operand);
  return concrete;
}

bool is_reshape_like(const OpDef& op) {
  const std::string_view name = op.name;
  return name == "Reshape" || name == "Squeeze" || name == "Unsqueeze" || name == "Identity";
}

}  // namespace hone

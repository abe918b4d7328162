#include "tactics/cpu/common.h"

#include <fmt/core.h>

#include "base/text.h"

namespace hone {

const char* isa_name(cpu::Isa isa) {
  switch (isa) {
    case cpu::Isa::kAvx2:
      return "avx2";
    case cpu::Isa::kAvx512:
      return "avx512";
    case cpu::Isa::kPortable:
      return "portable";
  }
  return "?";
}

CpuFeatures isa_features(cpu::Isa isa) {
  return isa == cpu::Isa::kPortable ? CpuFeatures() : features_of(isa_name(isa));
}

Verdict target_has(const Target& target, cpu::Isa isa) {
  if (target.features.contains(isa_features(isa))) return Verdict::yes();
  return Verdict::no(fmt::format("needs {}", isa_name(isa)));
}

Verdict all_f32(const StepDesc& step) {
  for (const auto* operands : {&step.inputs, &step.outputs}) {
    for (const OperandDesc& operand : *operands) {
      if (operand.type.dtype == DataType::f32) continue;
      return Verdict::no(
          fmt::format("a tensor is {}, only f32 is done", dtype_name(operand.type.dtype)));
    }
  }
  return Verdict::yes();
}

Verdict unless_done_before(const Tactic& tactic, const StepDesc& step, const Target& target) {
  for (const Tactic* other : all_tactics()) {
    if (other == &tactic) break;
    if (std::string_view(other->op_name()) != tactic.op_name()) continue;
    if (other->can_run(step, target).ok()) return Verdict::no(fmt::format("{} can", other->name()));
  }
  return Verdict::yes();
}

std::optional<ConfigText> ConfigText::parse(std::string_view text) {
  ConfigText config;
  if (text.empty()) return config;
  for (std::string_view part : split(text, ' ')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    const auto value = parse_int64(part.substr(equals + 1));
    if (!value || *value < 0) return std::nullopt;
    config.values_[std::string(part.substr(0, equals))] = *value;
  }
  return config;
}

int64_t ConfigText::get(const std::string& key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? 0 : it->second;
}

std::string ConfigText::text() const {
  std::string text;
  for (const auto& [key, value] : values_) {
    if (value == 0) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
  }
  return text;
}

void broadcast_strides(const TensorLayout& layout, int rank, const int64_t* shape,
                       int64_t* strides) {
  for (int i = 0; i < rank; ++i) {
    const int own = i - (rank - layout.rank);
    strides[i] =
        own >= 0 && layout.shape[own] == shape[i] && shape[i] != 1 ? layout.stride[own] : 0;
  }
}

std::optional<std::vector<int64_t>> concrete(const Shape& shape) { return to_static(shape); }

}  // namespace hone

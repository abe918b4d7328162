#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "plan/plan_file.h"
#include "plan/verify.h"

namespace hone::plan_checks {
namespace {

constexpr size_t kMaxConfigs = 64;
constexpr size_t kMaxReplaced = 64;
constexpr int kMaxThreads = 1 << 16;

Status check_configs(const Portable& portable, const TunedStep& tuned) {
  const size_t count = tuned.configs.size();
  if (count > kMaxConfigs || (count > 1 && count != portable.profiles.size())) {
    return wrong(fmt::format("{} configurations for {} profiles", count, portable.profiles.size()));
  }
  for (const std::string& config : tuned.configs) {
    HONE_RETURN_IF_ERROR(check_name(config, "a configuration"));
  }
  if (tuned.tactic.empty() && (count > 0 || tuned.packed_bytes > 0)) {
    return wrong("a view has configurations or packed weights");
  }
  return ok();
}

Status check_packed(const Portable& portable, const PlanStep& step, const TunedStep& tuned,
                    size_t packed_bytes) {
  if (tuned.packed_offset % plan_file::kAlignment != 0 || tuned.packed_offset > packed_bytes ||
      tuned.packed_bytes > packed_bytes - tuned.packed_offset) {
    return wrong(fmt::format("its {} bytes of packed weights at {} are not inside the {} there are",
                             tuned.packed_bytes, tuned.packed_offset, packed_bytes));
  }
  if (tuned.replaced_inputs.size() > kMaxReplaced) return wrong("too many packed inputs");
  std::set<size_t> seen;
  for (size_t input : tuned.replaced_inputs) {
    if (input >= step.inputs.size() || !seen.insert(input).second ||
        portable.values[step.inputs[input]].kind != ValueKind::kConstant) {
      return wrong(fmt::format("input {} cannot be replaced by packed weights", input));
    }
  }
  return ok();
}

Status check_tuned_step(const Portable& portable, const PlanStep& step, const TunedStep& tuned,
                        size_t packed_bytes) {
  HONE_RETURN_IF_ERROR(check_name(tuned.tactic, "the name of its tactic"));
  HONE_RETURN_IF_ERROR(check_name(tuned.packed_key, "the key of its packed weights"));
  HONE_RETURN_IF_ERROR(check_configs(portable, tuned));
  HONE_RETURN_IF_ERROR(check_packed(portable, step, tuned, packed_bytes));
  if (!std::isfinite(tuned.milliseconds)) return wrong("its time is not a number");
  if (tuned.rejected.size() > kMaxListed) return wrong("too many rejected tactics");
  for (const RejectedTactic& other : tuned.rejected) {
    HONE_RETURN_IF_ERROR(check_name(other.tactic, "the name of a rejected tactic"));
    HONE_RETURN_IF_ERROR(check_name(other.reason, "a reason"));
  }
  return ok();
}

Status check_part(const Portable& portable, const Tuned& tuned) {
  HONE_RETURN_IF_ERROR(check_name(tuned.features, "the list of CPU features"));
  HONE_RETURN_IF_ERROR(check_name(tuned.cpu, "the name of the CPU"));
  if (tuned.threads < 1 || tuned.threads > kMaxThreads) {
    return wrong(fmt::format("{} threads", tuned.threads));
  }
  if (tuned.packed_bytes > 0 && !tuned.packed) return wrong("the packed weights are missing");
  if (tuned.steps.size() != portable.steps.size()) {
    return wrong(fmt::format("{} steps instead of {}", tuned.steps.size(), portable.steps.size()));
  }
  for (size_t i = 0; i < tuned.steps.size(); ++i) {
    Status status =
        check_tuned_step(portable, portable.steps[i], tuned.steps[i], tuned.packed_bytes);
    if (!status.ok()) return std::move(status).at(step_place(portable, i));
  }
  return ok();
}

// A constant may be without data only where every part has it packed.
Status check_missing_data(const PlanData& plan) {
  const Portable& portable = plan.portable;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    const PlanStep& step = portable.steps[s];
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const PlanValue& value = portable.values[step.inputs[i]];
      if (value.kind != ValueKind::kConstant || value.has_data) continue;
      const bool packed = std::all_of(plan.tuned.begin(), plan.tuned.end(), [&](const Tuned& part) {
        const auto& replaced = part.steps[s].replaced_inputs;
        return std::find(replaced.begin(), replaced.end(), i) != replaced.end();
      });
      if (packed && !plan.tuned.empty()) continue;
      return wrong(
                 fmt::format("the data of its constant input {} '{}' are neither stored nor packed",
                             i, printable(value.name)))
          .at(step_place(portable, s));
    }
  }
  return ok();
}

}  // namespace

Status check_tuned(const PlanData& plan) {
  if (plan.tuned.size() > plan_file::kMaxTunedParts) return wrong("too many tuned parts");
  for (size_t i = 0; i < plan.tuned.size(); ++i) {
    if (Status status = check_part(plan.portable, plan.tuned[i]); !status.ok()) {
      return std::move(status).at(fmt::format("tuned part {}", i));
    }
  }
  return check_missing_data(plan);
}

}  // namespace hone::plan_checks

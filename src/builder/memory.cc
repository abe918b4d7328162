#include "builder/memory.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/binding.h"

namespace hone {

Result<MemoryUse> measure_memory(const PlanData& plan, const Target& target) {
  auto loaded = std::make_shared<LoadedPlan>();
  loaded->data.portable = plan.portable;
  loaded->tuned = plan.tuned.front();
  loaded->target = target;
  loaded->prepare();
  std::vector<std::vector<std::vector<int64_t>>> shapes;
  for (const PlanProfile& profile : plan.portable.profiles) {
    shapes.emplace_back();
    for (const PlanProfile::Range& range : profile.inputs) shapes.back().push_back(range.max);
  }
  if (shapes.empty()) {  // no free dimensions
    shapes.emplace_back();
    for (int input : plan.portable.inputs) {
      HONE_ASSIGN_OR_RETURN(auto shape, eval_shape(plan.portable.values[input].type.shape, {}));
      shapes.back().push_back(std::move(shape));
    }
  }
  MemoryUse use;
  use.weights = weight_bytes(plan.portable, plan.tuned.front());
  for (const auto& profile : shapes) {
    HONE_ASSIGN_OR_RETURN(const auto stages, Binding::make_all(loaded, profile));
    int64_t arena = 0;
    for (const auto& stage : stages) arena += static_cast<int64_t>(stage->arena_bytes());
    use.arena = std::max(use.arena, arena);
  }
  return use;
}

Status check_memory(const PlanData& plan, const Target& target, int64_t limit) {
  if (limit <= 0) return ok();
  HONE_ASSIGN_OR_RETURN(const MemoryUse use, measure_memory(plan, target));
  if (use.weights + use.arena <= limit) return ok();
  return Status(Code::kOutOfResources,
                fmt::format(
                    "the plan needs {} of weights and {} of intermediate tensors, the limit is {}",
                    human_bytes(static_cast<uint64_t>(use.weights)),
                    human_bytes(static_cast<uint64_t>(use.arena)),
                    human_bytes(static_cast<uint64_t>(limit))))
      .fix("raise the memory limit, build for a smaller batch, or without --portable");
}

}  // namespace hone

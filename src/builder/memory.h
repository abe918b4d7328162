// What a plan needs at run time, for --memory.
#pragma once

#include <cstdint>

#include "plan/plan.h"
#include "tactics/tactic.h"

namespace hone {

struct MemoryUse {
  int64_t weights = 0;  // packed weights and constants, shared by all contexts
  int64_t arena = 0;    // intermediate tensors and workspace of one context, at the largest profile
};

// REQUIRES: plan.tuned has the part for `target`. Errors: as binding shapes.
Result<MemoryUse> measure_memory(const PlanData& plan, const Target& target);

// kOutOfResources, with both numbers, when one context needs more than `limit` bytes (0 = no
// limit).
Status check_memory(const PlanData& plan, const Target& target, int64_t limit);

}  // namespace hone

// From a portable plan and a choice of tactics to a tuned part: storage, views, in-place, packed
// weights. Used by the builder after tuning and by the runtime when a plan has no part for this
// machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hone/status.h"
#include "plan/plan.h"
#include "tactics/tactic.h"

namespace hone {

// What was decided for one step: by the tuner, or by list order.
struct StepChoice {
  const Tactic* tactic = nullptr;
  std::vector<Config> configs;  // one per profile, or one for all
  double milliseconds = -1;
  std::vector<RejectedTactic> rejected;
};

// The step as tactics see it. Constants point into `portable`.
StepDesc make_step_desc(const Portable& portable, const PlanStep& step);
std::vector<StepDesc> make_step_descs(const Portable& portable);  // of all steps
// Bytes of packed weights and of constants with data.
int64_t weight_bytes(const Portable& portable, const Tuned& tuned);
// The same with symbols replaced by numbers (for candidates, timing and keys). Dimensions that
// these symbols make negative stay as they are: the step cannot run at such shapes.
StepDesc substitute_shapes(const StepDesc& step, const SymbolValues& symbols);

// Steps that need no code if their output can be a view of their input (Reshape, Squeeze ...).
bool is_reshape_like(const OpDef& op);

// First tactic of the list that can run each step, with its first configuration.
std::vector<StepChoice> choose_by_list_order(const Portable& portable, const Target& target);

// REQUIRES: one choice per step, constants that packing needs are present (else kPlan).
Result<Tuned> lower(const Portable& portable, const Target& target,
                    const std::vector<StepChoice>& choices);

// Completes a tuned part that was read from a file: checks what read_plan cannot (tactics known, of
// the same version, able to run on `target`, configs valid, packed sizes exact) and decides storage
// again. Storage is never taken from a file: it follows from the rest, and a damaged or hostile one
// could make two values overlap. Errors (kPlan, kDevice) say what does not fit; `tuned` is then
// unusable.
Status attach_tuned(const Portable& portable, const Target& target, Tuned* tuned);

}  // namespace hone

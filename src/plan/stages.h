// Stages of a plan (docs/adr/0005): where an output's size depends on values, a run stops to look.
#pragma once

#include "plan/plan.h"

namespace hone {

// Sets what plan.h says is derived: PlanStep::stage and ends_stage, Portable::num_stages and
// check_stages. A step ends its stage if a symbol occurs in the shapes of its outputs that neither
// an input of the plan nor a step before gives a value to. REQUIRES: all indices are in range.
void find_stages(Portable* portable);

// Symbols that the shapes of the inputs give values to: those that are a dimension of their own.
std::set<std::string> input_symbols(const Portable& portable);

// The stage in which a value has its bytes: that of its producer, or the next one where the
// producer ends a stage; 0 for inputs and constants. One entry per value. REQUIRES: find_stages()
// was called.
std::vector<int> value_stages(const Portable& portable);

}  // namespace hone

// The parts of verify_plan. Each assumes that those before it found nothing wrong.
#pragma once

#include <set>
#include <string>

#include "plan/plan.h"

namespace hone::plan_checks {

// Bounds that keep the work on a hostile plan small; no model comes near them.
inline constexpr size_t kMaxValues = 1'000'000;
inline constexpr size_t kMaxSteps = 1'000'000;
inline constexpr size_t kMaxRank = 8;
inline constexpr size_t kMaxName = 64 << 10;  // bytes of any name, reason, configuration
inline constexpr size_t kMaxProfiles = 64;
inline constexpr int kMaxStages = 4096;         // steps whose outputs' sizes depend on values
inline constexpr size_t kMaxListed = 64 << 10;  // inputs, sources, rejected tactics of one step

// A kPlan Status.
Status wrong(std::string what);
Status check_name(const std::string& name, const char* what);
// "step 3 'conv1'"
std::string step_place(const Portable& portable, size_t step);

// Values, inputs, outputs, profiles. `symbols`: those that the shapes of the inputs give values to.
Status check_values(const Portable& portable, std::set<std::string>* symbols);

// Order of steps, arity, attributes, epilogues, and the types of everything computed. Adds to
// `symbols` those that get their values from steps.
Status check_steps(const Portable& portable, std::set<std::string>* symbols);

// The checks "must be equal" use known symbols only.
Status check_equal_pairs(const Portable& portable, const std::set<std::string>& symbols);

// What can be said without the list of tactics; the rest is attach_tuned's.
Status check_tuned(const PlanData& plan);

}  // namespace hone::plan_checks

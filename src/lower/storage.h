// Decides where the bytes of every value live: halos, views (reshape, slice, split, concat) and
// in-place.
#pragma once

#include <vector>

#include "lower/lower.h"

namespace hone {

// Returns one TunedValue per value and sets `is_view` of steps that need no code.
// REQUIRES: choices has one entry per step.
std::vector<TunedValue> plan_storage(const Portable& portable, const std::vector<StepDesc>& descs,
                                     const std::vector<StepChoice>& choices,
                                     std::vector<TunedStep>* steps);

}  // namespace hone

// Which operators only select a part of one input, so that their outputs can be views.
#pragma once

#include <vector>

#include "tactics/tactic.h"

namespace hone {

// A part of a tensor: everything, but along `axis` only what begins at `start`.
struct SliceView {
  int axis = 0;
  Dim start;
};

// For Split and for Slice with step 1 along one axis: one view per output. Empty: not expressible.
std::vector<SliceView> slice_views(const StepDesc& step);

// Why an operator that only moves elements must do so where it is not a view; null for others.
const char* why_it_copies(const StepDesc& step);

// The axis of a Concat, counted from the front.
int concat_axis(const StepDesc& step);

}  // namespace hone

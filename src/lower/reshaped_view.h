// When a reshaped tensor can look at the same bytes although they are not dense: a Conv writes
// [N,h,w,a*4] into its rows of [N,boxes,4], and [N,H,W,C] may drop a dimension of size 1.
#pragma once

#include <cstdint>
#include <optional>

#include "tactics/tactic.h"

namespace hone {

// Where a value is not contiguous: bit b is set if the step from one element of the dimensions
// before b to the next is more than what dimensions b and behind hold. A slice along b makes one,
// and so does a halo around b.
using Breaks = uint32_t;
inline constexpr size_t kMaxBreaks = 32;

// The breaks of `out` as a view of `in`; nothing if, for some values of the symbols, strides cannot
// express it or its last dimension would not be contiguous.
std::optional<Breaks> reshaped_breaks(const Shape& in, const Shape& out, Breaks breaks);

// `halo` of `in` on the dimensions of `out` that are the same dimensions; the rest is left out.
Halo reshaped_halo(const Shape& in, const Shape& out, const Halo& halo);

// Strides and halo of `view`, whose shape is set, as a view of `parent`. False if strides cannot
// express it; never where reshaped_breaks() said they can.
bool reshape_layout(const TensorLayout& parent, TensorLayout* view);

}  // namespace hone

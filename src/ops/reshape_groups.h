// Which dimensions of a reshaped tensor hold the elements of which dimensions before.
#pragma once

#include <optional>
#include <vector>

#include "base/dim.h"

namespace hone {

// Input dimensions [in_begin, in_end) have the elements of output dimensions [out_begin, out_end).
struct ReshapeGroup {
  size_t in_begin, in_end, out_begin, out_end;
};

// The smallest such groups, in order; nothing if dimensions cannot be told apart for every value of
// the symbols, or one of them is 0. Ones at the end belong to the last group.
std::optional<std::vector<ReshapeGroup>> reshape_groups(const Shape& in, const Shape& out);

}  // namespace hone

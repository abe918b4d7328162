// Which elements of a dimension a Slice takes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hone {

// First element and number of elements.
struct Cut {
  int64_t start = 0;
  int64_t count = 0;
};

// A bound as NumPy normalises it: counted from the end if negative, then cut to [low, high].
inline int64_t normal_bound(int64_t bound, int64_t dim, int64_t low, int64_t high) {
  if (bound < 0) bound = bound < -dim ? low : bound + dim;
  return std::min(std::max(bound, low), high);
}

// REQUIRES: step is not 0.
inline Cut cut(int64_t dim, int64_t start, int64_t end, int64_t step) {
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
  start = normal_bound(start, dim, low, high);
  end = normal_bound(end, dim, low, high);
  if (step > 0) return {start, start >= end ? 0 : 1 + (end - start - 1) / step};
  // Unsigned: -INT64_MIN does not fit.
  const uint64_t backward = -static_cast<uint64_t>(step);
  return {start, start <= end ? 0 : 1 + static_cast<int64_t>((start - end - 1) / backward)};
}

}  // namespace hone

// Which element an ArgMax or ArgMin chooses.
#pragma once

namespace hone {

// Whether `x` takes the place of `best`. The first NaN stays, or the last with `select_last`.
template <bool kMax, class W>
bool is_better(W x, W best, bool select_last) {
  if (best != best) return select_last && x != x;
  if (x != x) return true;
  return (kMax ? x > best : x < best) || (select_last && x == best);
}

}  // namespace hone

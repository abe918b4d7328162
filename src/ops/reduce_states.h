// What the reductions compute, one element at a time.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/eval.h"
#include "ops/wrapping.h"

namespace hone {

// Each kind combines the elements of one result in Wide<T>, in row-major order. One with `prepare`
// sees all elements a first time before `add`.
template <class W>
struct SumOf {
  W sum = 0;
  void add(W x) { sum = wrapping_add(sum, x); }
  W finish(int64_t) const { return sum; }
};
template <class W>
struct MeanOf : SumOf<W> {
  W finish(int64_t count) const {
    if (std::is_integral_v<W> && count == 0) return 0;
    return this->sum / static_cast<W>(count);
  }
};
template <class W>
struct ProductOf {
  W product = 1;
  void add(W x) { product = wrapping_mul(product, x); }
  W finish(int64_t) const { return product; }
};
template <class W>
struct LargestOf {
  W value = std::is_integral_v<W> ? std::numeric_limits<W>::lowest() : static_cast<W>(-INFINITY);
  void add(W x) {
    if (x > value || x != x) value = x;
  }
  W finish(int64_t) const { return value; }
};
template <class W>
struct SmallestOf {
  W value = std::is_integral_v<W> ? std::numeric_limits<W>::max() : static_cast<W>(INFINITY);
  void add(W x) {
    if (x < value || x != x) value = x;
  }
  W finish(int64_t) const { return value; }
};
template <class State, class T>
constexpr bool kIsExtreme =
    std::is_same_v<State, LargestOf<Wide<T>>> || std::is_same_v<State, SmallestOf<Wide<T>>>;

// What an extreme of no elements is: the other end of the dtype's range.
template <class State, class T>
T empty_extreme() {
  constexpr bool kLargest = std::is_same_v<State, LargestOf<Wide<T>>>;
  if constexpr (kIsFloat<T>) {
    return narrow<T>(kLargest ? -INFINITY : INFINITY);
  } else {
    return kLargest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
}

template <class W>
struct SumSquareOf : SumOf<W> {
  void add(W x) { SumOf<W>::add(wrapping_mul(x, x)); }
};
template <class W>
struct L1Of : SumOf<W> {
  void add(W x) { SumOf<W>::add(x < 0 ? wrapping_sub(W(0), x) : x); }
};
template <class W>
struct L2Of : SumSquareOf<W> {
  W finish(int64_t) const { return static_cast<W>(std::sqrt(static_cast<double>(this->sum))); }
};
// With the largest element taken out, so that nothing overflows.
template <class W>
struct LogSumExpOf {
  LargestOf<W> largest;
  double sum = 0;
  void prepare(W x) { largest.add(x); }
  double shift() const {
    return std::isinf(static_cast<double>(largest.value)) ? 0.0
                                                          : static_cast<double>(largest.value);
  }
  void add(W x) { sum += std::exp(static_cast<double>(x) - shift()); }
  W finish(int64_t) const { return static_cast<W>(std::log(sum) + shift()); }
};

}  // namespace hone

// The meaning of Cast for one element.
#pragma once

#include "ops/eval.h"

namespace hone {

// Saturates, for what C++ leaves undefined; NaN becomes 0.
template <class To>
To float_to_integer(double value) {
  using Limits = std::numeric_limits<To>;
  if (std::isnan(value)) return 0;
  // 2^n is exact in double, the largest value of 64-bit types is not.
  if (value >= std::ldexp(1.0, Limits::digits)) return Limits::max();
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  return static_cast<To>(value);
}

template <class To, class From>
To cast_element(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return widen(value) != 0;
  } else if constexpr (kIsFloat<From>) {
    if constexpr (kIsFloat<To>) {
      return narrow<To>(widen(value));
    } else {
      return float_to_integer<To>(widen(value));
    }
  } else if constexpr (std::is_same_v<To, float> || std::is_same_v<To, double>) {
    return static_cast<To>(value);
  } else if constexpr (kIsFloat<To>) {
    return narrow<To>(static_cast<double>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace hone

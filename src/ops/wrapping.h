// Arithmetic that wraps around for integers and is plain for floating point.
#pragma once

#include <cstdint>
#include <type_traits>

namespace hone {

inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrapping_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
template <class T>
requires std::is_floating_point_v<T> T wrapping_add(T a, T b) { return a + b; }
template <class T>
requires std::is_floating_point_v<T> T wrapping_sub(T a, T b) { return a - b; }
template <class T>
requires std::is_floating_point_v<T> T wrapping_mul(T a, T b) { return a * b; }

}  // namespace hone

// Helpers for the reference evaluators: element types, conversions with one rounding, and walks
// over strided index spaces. The evaluators are plain loops: right first, fast second.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "ops/op_def.h"

namespace hone {

template <class T>
inline constexpr bool kIsFloat = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                 std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

// What elements are computed in.
template <class T>
using Wide = std::conditional_t<kIsFloat<T>, double, int64_t>;

template <class T>
Wide<T> widen(T value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return static_cast<float>(value);
  } else {
    return static_cast<Wide<T>>(value);
  }
}

// Rounds to float so that rounding the result to 22 bits or fewer gives the same as rounding
// `value` itself (round to odd).
inline float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || std::isnan(value)) return nearest;
  if (std::bit_cast<uint32_t>(nearest) & 1) return nearest;
  return std::nextafterf(nearest, value > nearest ? HUGE_VALF : -HUGE_VALF);
}

// One rounding for floating point; two's complement wrap-around for integers.
template <class T>
T narrow(Wide<T> value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return T(round_to_odd(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else {
    return static_cast<T>(value);
  }
}

// Calls fn(std::type_identity<T>()) with the element type; kUnsupported for strings.
template <class Fn>
Status with_type(DataType dtype, Fn&& fn) {
  switch (dtype) {
    case DataType::f32:
      return fn(std::type_identity<float>());
    case DataType::f64:
      return fn(std::type_identity<double>());
    case DataType::f16:
      return fn(std::type_identity<Float16>());
    case DataType::bf16:
      return fn(std::type_identity<BFloat16>());
    case DataType::i8:
      return fn(std::type_identity<int8_t>());
    case DataType::i16:
      return fn(std::type_identity<int16_t>());
    case DataType::i32:
      return fn(std::type_identity<int32_t>());
    case DataType::i64:
      return fn(std::type_identity<int64_t>());
    case DataType::u8:
      return fn(std::type_identity<uint8_t>());
    case DataType::u16:
      return fn(std::type_identity<uint16_t>());
    case DataType::u32:
      return fn(std::type_identity<uint32_t>());
    case DataType::u64:
      return fn(std::type_identity<uint64_t>());
    case DataType::boolean:
      return fn(std::type_identity<bool>());
    case DataType::string:
      break;
  }
  return Status(Code::kUnsupported, "this operator has no arithmetic on strings");
}

// For operators that only move elements: calls fn with an unsigned integer type of the element's
// size, or std::string.
template <class Fn>
Status with_storage(DataType dtype, Fn&& fn) {
  switch (dtype_size(dtype)) {
    case 1:
      return fn(std::type_identity<uint8_t>());
    case 2:
      return fn(std::type_identity<uint16_t>());
    case 4:
      return fn(std::type_identity<uint32_t>());
    case 8:
      return fn(std::type_identity<uint64_t>());
    default:
      return fn(std::type_identity<std::string>());
  }
}

// REQUIRES: T is the storage type (with_storage) or the element type of the tensor.
template <class T>
const T* elements(const Tensor& tensor) {
  if constexpr (std::is_same_v<T, std::string>) {
    return tensor.string_values().data();
  } else {
    return static_cast<const T*>(tensor.raw());
  }
}
template <class T>
T* mutable_elements(Tensor* tensor) {
  if constexpr (std::is_same_v<T, std::string>) {
    return tensor->mutable_strings().data();
  } else {
    return static_cast<T*>(tensor->mutable_raw());
  }
}

// Elements between neighbours along each axis of a dense tensor.
std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape);
// Strides with which a tensor of `shape` is read as if broadcast to `output`. REQUIRES: it can be.
std::vector<int64_t> broadcast_strides(const std::vector<int64_t>& shape,
                                       const std::vector<int64_t>& output);

// Walks the index space `shape` in row-major order, row by row. For each row (all of the last axis)
// calls fn(const int64_t* offsets, int64_t count): offsets[k] is where operand k's row begins;
// within it, neighbours are strides[k].back() apart. Rank 0 is one row of one element.
template <class Fn>
void for_each_row(const std::vector<int64_t>& shape,
                  const std::vector<std::vector<int64_t>>& strides, Fn&& fn) {
  for (int64_t size : shape) {
    if (size == 0) return;
  }
  const int outer = static_cast<int>(shape.size()) - 1;
  const int64_t count = shape.empty() ? 1 : shape.back();
  std::vector<int64_t> index(shape.size(), 0);
  std::vector<int64_t> offsets(strides.size() + 1, 0);
  while (true) {
    fn(static_cast<const int64_t*>(offsets.data()), count);
    int axis = outer - 1;
    for (; axis >= 0; --axis) {
      for (size_t k = 0; k < strides.size(); ++k) offsets[k] += strides[k][axis];
      if (++index[axis] < shape[axis]) break;
      for (size_t k = 0; k < strides.size(); ++k) offsets[k] -= strides[k][axis] * shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
inline int64_t row_stride(const std::vector<int64_t>& strides) {
  return strides.empty() ? 0 : strides.back();
}

// output[i...] = input[base + sum of i * strides].
// REQUIRES: dtypes are equal; every index of output stays inside input.
Status copy_strided(const Tensor& input, int64_t base, const std::vector<int64_t>& strides,
                    Tensor* output);

// Reads element `index` as a double; booleans as 0 and 1. Null for strings.
using DoubleReader = double (*)(const void* data, int64_t index);
DoubleReader double_reader(DataType dtype);

// A reference evaluator's element count limit in bytes: what does not fit is kOutOfResources.
inline constexpr int64_t kMaxReferenceBytes = int64_t{16} << 30;

}  // namespace hone

// Tensor: a dense row-major array in memory that Hone owns or borrows: constants, reference
// evaluation, test data. (Run-time tensors with strides and halos are a matter of plans.)
//
// A Tensor is a cheap handle: copies share the bytes. Shared bytes are immutable; only a Tensor
// that is the sole owner of bytes allocated by Tensor may be written. Threads may read shared bytes
// freely; one Tensor object belongs to one thread at a time.
#pragma once

#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "base/float16.h"
#include "base/hash.h"
#include "hone/status.h"
#include "hone/types.h"

namespace hone {

namespace internal {
template <class T>
inline constexpr bool kAlwaysFalse = false;
}

// The DataType of a C++ element type: float, double, Float16, BFloat16, intN_t, uintN_t, bool.
template <class T>
constexpr DataType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DataType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DataType::f64;
  else if constexpr (std::is_same_v<T, Float16>)
    return DataType::f16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return DataType::bf16;
  else if constexpr (std::is_same_v<T, bool>)
    return DataType::boolean;
  else if constexpr (std::is_same_v<T, std::string>)
    return DataType::string;
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
    return sizeof(T) == 1   ? DataType::i8
           : sizeof(T) == 2 ? DataType::i16
           : sizeof(T) == 4 ? DataType::i32
                            : DataType::i64;
  else if constexpr (std::is_integral_v<T>)
    return sizeof(T) == 1   ? DataType::u8
           : sizeof(T) == 2 ? DataType::u16
           : sizeof(T) == 4 ? DataType::u32
                            : DataType::u64;
  else
    static_assert(internal::kAlwaysFalse<T>, "no DataType for this type");
}

bool is_float(DataType dtype);           // f16, bf16, f32, f64
bool is_integer(DataType dtype);         // i8 ... u64; not boolean
bool is_signed_integer(DataType dtype);  // i8 ... i64

// Product of the dimensions / that times the element size (0 for string). kShape: a dimension is
// negative. kOutOfResources: more than 2^62. A shape with a 0 has 0 elements, whatever the others.
Result<int64_t> checked_num_elements(const std::vector<int64_t>& shape);
Result<int64_t> checked_num_bytes(DataType dtype, const std::vector<int64_t>& shape);

class Tensor {
 public:
  static constexpr size_t kAlignment = 64;

  Tensor() = default;  // f32, shape [0]

  // Owned, uninitialised memory (strings: empty), 64-byte aligned, tail padded to 64 bytes.
  // For sizes that come from files: errors as checked_num_bytes, and kOutOfResources.
  static Result<Tensor> allocate(DataType dtype, std::vector<int64_t> shape);
  // The same for shapes known to be sane; an error is our bug.
  static Tensor empty(DataType dtype, std::vector<int64_t> shape);
  static Tensor zeros(DataType dtype, std::vector<int64_t> shape);
  // Borrows num_bytes at `data`, which stay unchanged while `owner` lives (null owner: forever).
  // No alignment needed beyond the element's. REQUIRES: dtype is not string, sane shape.
  static Tensor view(DataType dtype, std::vector<int64_t> shape, const void* data,
                     std::shared_ptr<const void> owner);
  // Copies `bytes` of memory in. kShape if `bytes` is not what the shape needs.
  static Result<Tensor> copy_of(DataType dtype, std::vector<int64_t> shape, const void* data,
                                size_t bytes);
  static Tensor strings(std::vector<int64_t> shape, std::vector<std::string> values);
  template <class T>
  static Tensor scalar(T value) {
    return from<T>({}, {value});
  }
  // REQUIRES: values.size() is the number of elements.
  template <class T>
  static Tensor from(std::vector<int64_t> shape, const std::vector<T>& values);

  DataType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int rank() const { return static_cast<int>(shape_.size()); }
  int64_t dim(int axis) const { return shape_[axis]; }
  int64_t num_elements() const { return num_elements_; }
  size_t bytes() const { return static_cast<size_t>(num_elements_) * dtype_size(dtype_); }
  bool is_string() const { return dtype_ == DataType::string; }

  const void* raw() const { return data_; }
  // REQUIRES: dtype() == dtype_of<T>().
  template <class T>
  const T* data() const {
    HONE_CHECK(dtype_ == dtype_of<T>());
    return static_cast<const T*>(data_);
  }
  // REQUIRES: is_string().
  const std::vector<std::string>& string_values() const;

  // May the bytes be written: allocated by Tensor and no other Tensor shares them.
  bool is_unique() const;
  // REQUIRES: is_unique() (and the dtype, as data()). make_unique() first if in doubt.
  void* mutable_raw();
  template <class T>
  T* mutable_data() {
    HONE_CHECK(dtype_ == dtype_of<T>());
    return static_cast<T*>(mutable_raw());
  }
  std::vector<std::string>& mutable_strings();
  // Copies the bytes if they are shared or borrowed.
  void make_unique();
  Tensor clone() const;

  // The same bytes under another shape. REQUIRES: same number of elements.
  Tensor reshaped(std::vector<int64_t> shape) const;

  // Of dtype, shape and bytes (bit patterns: -0 differs from 0, a NaN equals itself).
  Hash128 hash() const;
  friend bool operator==(const Tensor& a, const Tensor& b) { return a.equal(b); }
  bool equal(const Tensor& other) const;

  // All elements converted, if the tensor has at most `max_elements` and an integer or boolean
  // dtype (as_doubles: any numeric one) and each value fits.
  std::optional<std::vector<int64_t>> as_int64s(int64_t max_elements = 4096) const;
  std::optional<std::vector<double>> as_doubles(int64_t max_elements = INT64_MAX) const;

  // "f32[2,3] {1, 2, 3, ...}" with at most `max_values` values, for messages.
  std::string text(int64_t max_values = 8) const;

 private:
  DataType dtype_ = DataType::f32;
  bool owned_ = false;  // owner_ is memory of ours
  std::vector<int64_t> shape_{0};
  int64_t num_elements_ = 0;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<std::vector<std::string>> strings_;
};

template <class T>
Tensor Tensor::from(std::vector<int64_t> shape, const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, std::string>) {
    return strings(std::move(shape), values);
  } else {
    Tensor t = empty(dtype_of<T>(), std::move(shape));
    HONE_CHECK(t.num_elements() == static_cast<int64_t>(values.size()));
    T* out = t.mutable_data<T>();
    for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];  // vector<bool> has no data()
    return t;
  }
}

}  // namespace hone

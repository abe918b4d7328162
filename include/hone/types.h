// Data types, shapes and views of tensors in the public API.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone {

// Values are stable: they are stored in plans and equal hn_dtype of hone/c.h.
enum class DataType : uint8_t {
  f32 = 1,
  f64 = 2,
  f16 = 3,
  bf16 = 4,
  i8 = 5,
  i16 = 6,
  i32 = 7,
  i64 = 8,
  u8 = 9,
  u16 = 10,
  u32 = 11,
  u64 = 12,
  boolean = 13,
  string = 14,
};

HONE_API const char* dtype_name(DataType dtype);  // "f32", "i64", "bool" ...
HONE_API bool parse_dtype(std::string_view name, DataType* dtype);
HONE_API size_t dtype_size(DataType dtype);  // bytes per element; 0 for string

inline constexpr int64_t kAny = -1;  // a dimension that is not fixed

// Non-owning view of a dense row-major tensor in the caller's memory. `data` needs no alignment
// beyond the element size.
struct TensorView {
  void* data = nullptr;
  std::vector<int64_t> shape;
  DataType dtype = DataType::f32;

  TensorView() = default;
  TensorView(void* data, std::vector<int64_t> shape, DataType dtype = DataType::f32)
      : data(data), shape(std::move(shape)), dtype(dtype) {}
  TensorView(const void* data, std::vector<int64_t> shape, DataType dtype = DataType::f32)
      : data(const_cast<void*>(data)), shape(std::move(shape)), dtype(dtype) {}
};

// One input or output of a model, plan or engine. Unknown dimensions are kAny in `shape`;
// `shape_text` has their symbols ("[N,224,224,3]").
struct TensorInfo {
  std::string name;
  DataType dtype = DataType::f32;
  std::vector<int64_t> shape;
  std::string shape_text;
};

// Called during long work: stage ("import", "optimize", "tune", "write"), fraction in 0..1 of the
// whole, a message for people. Returning false cancels the work within a second (Code::kCancelled).
using Progress =
    std::function<bool(std::string_view stage, double fraction, std::string_view message)>;

}  // namespace hone

#include "graph/constant_text.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/text.h"

namespace hone {
namespace {

// Calls f(T{}) with the element type of a numeric dtype.
template <class F>
auto with_type(DataType dtype, F f) {
  switch (dtype) {
    case DataType::f32:
      return f(float{});
    case DataType::f64:
      return f(double{});
    case DataType::f16:
      return f(Float16{});
    case DataType::bf16:
      return f(BFloat16{});
    case DataType::i8:
      return f(int8_t{});
    case DataType::i16:
      return f(int16_t{});
    case DataType::i32:
      return f(int32_t{});
    case DataType::i64:
      return f(int64_t{});
    case DataType::u8:
      return f(uint8_t{});
    case DataType::u16:
      return f(uint16_t{});
    case DataType::u32:
      return f(uint32_t{});
    case DataType::u64:
      return f(uint64_t{});
    case DataType::boolean:
      return f(bool{});
    case DataType::string:
      break;
  }
  HONE_CHECK(false);
}

template <size_t kSize>
struct BitsOf;
template <>
struct BitsOf<2> {
  using Type = uint16_t;
};
template <>
struct BitsOf<4> {
  using Type = uint32_t;
};
template <>
struct BitsOf<8> {
  using Type = uint64_t;
};

// What the numbers of T are written as: halves as float, which holds them exactly.
template <class T>
using Written = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
T canonical_nan() {
  return T(std::numeric_limits<Written<T>>::quiet_NaN());
}

template <class T>
std::string float_text(T value) {
  using Bits = typename BitsOf<sizeof(T)>::Type;
  const auto number = static_cast<Written<T>>(value);
  if (!std::isnan(number)) return fmt::format("{}", number);
  const Bits bits = std::bit_cast<Bits>(value);
  if (bits == std::bit_cast<Bits>(canonical_nan<T>())) return "nan";
  return fmt::format("nan({:#x})", bits);
}

template <class Number>
bool read_all(std::string_view text, Number* value, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return error == std::errc() && end == text.data() + text.size();
}
bool read_float(std::string_view text, auto* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

template <class T>
bool float_from_text(std::string_view text, T* value) {
  if (text == "nan") {
    *value = canonical_nan<T>();
    return true;
  }
  if (text.starts_with("nan(0x") && text.ends_with(")")) {
    typename BitsOf<sizeof(T)>::Type bits = 0;
    if (!read_all(text.substr(6, text.size() - 7), &bits, 16)) return false;
    *value = std::bit_cast<T>(bits);
    return true;
  }
  Written<T> number = 0;
  if (!read_float(text, &number)) return false;
  *value = static_cast<T>(number);
  return true;
}

template <class T>
inline constexpr bool kIsFloat = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                 std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

template <class T>
bool from_text(std::string_view text, T* value) {
  if constexpr (kIsFloat<T>) {
    return float_from_text(text, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    *value = text == "true" || text == "1";
    return *value || text == "false" || text == "0";
  } else {
    return read_all(text, value);
  }
}

// SplitMix64: 64 good bits per step, the same everywhere.
uint64_t next_random(uint64_t* state) {
  uint64_t x = (*state += 0x9e3779b97f4a7c15u);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

template <class T>
T random_element(uint64_t bits) {
  if constexpr (kIsFloat<T>) {
    // 24 bits: exact in float; -1 <= x < 1 before the rounding of halves.
    return T(static_cast<float>(static_cast<int32_t>(bits >> 40) - (1 << 23)) * 0x1p-23f);
  } else if constexpr (std::is_same_v<T, bool>) {
    return bits >> 63 != 0;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<T>(static_cast<int>(bits >> 60) - 8);
  } else {
    return static_cast<T>(bits >> 60);
  }
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string element_text(const Tensor& tensor, int64_t index) {
  return with_type(tensor.dtype(), [&]<class T>(T) -> std::string {
    const char* at = static_cast<const char*>(tensor.raw()) + index * sizeof(T);
    if constexpr (std::is_same_v<T, bool>) {
      return *at != 0 ? "true" : "false";  // as a byte: one from a file may be neither 0 nor 1
    } else {
      T value;
      std::memcpy(&value, at, sizeof(T));
      if constexpr (kIsFloat<T>) {
        return float_text(value);
      } else {
        return std::to_string(value);
      }
    }
  });
}

Status element_from_text(DataType dtype, std::string_view text, void* out) {
  const bool good = with_type(dtype, [&]<class T>(T) {
    T value{};
    if (!from_text(text, &value)) return false;
    std::memcpy(out, &value, sizeof(T));
    return true;
  });
  if (good) return ok();
  return Status(Code::kModel,
                fmt::format("'{}' is no element of {}", printable(text, 40), dtype_name(dtype)));
}

std::string elements_text(const Tensor& tensor) {
  std::string out = "[";
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    if (i > 0) out += ", ";
    out += tensor.is_string() ? quoted(tensor.string_values()[i]) : element_text(tensor, i);
  }
  return out + "]";
}

// Every element equals the one before it exactly when all bytes equal those one element earlier.
bool all_elements_equal(const Tensor& tensor) {
  if (tensor.is_string() || tensor.num_elements() == 0) return false;
  const char* data = static_cast<const char*>(tensor.raw());
  const size_t size = dtype_size(tensor.dtype());
  return std::memcmp(data, data + size, tensor.bytes() - size) == 0;
}

void fill_random(uint64_t seed, Tensor* tensor) {
  with_type(tensor->dtype(), [&]<class T>(T) {
    T* data = static_cast<T*>(tensor->mutable_raw());
    for (int64_t i = 0; i < tensor->num_elements(); ++i) {
      data[i] = random_element<T>(next_random(&seed));
    }
  });
}

}  // namespace hone

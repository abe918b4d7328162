#include "base/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/memory.h"
#include "base/text.h"

namespace hone {
namespace {

constexpr int64_t kMaxTensorSize = int64_t{1} << 62;

// "f32[2,3]". shape_text of dim.h would do, but tensors know nothing of symbols.
std::string type_text(DataType dtype, const std::vector<int64_t>& shape) {
  return fmt::format("{}[{}]", dtype_name(dtype), fmt::join(shape, ","));
}

std::shared_ptr<const void> allocate_bytes(size_t bytes) {
  return std::shared_ptr<const void>(allocate_memory(bytes));
}

// Calls f(const T*) with the tensor's data as its own element type. REQUIRES: not a string.
template <class Fn>
void visit(const Tensor& t, Fn f) {
  switch (t.dtype()) {
    case DataType::f32:
      return f(t.data<float>());
    case DataType::f64:
      return f(t.data<double>());
    case DataType::f16:
      return f(t.data<Float16>());
    case DataType::bf16:
      return f(t.data<BFloat16>());
    case DataType::i8:
      return f(t.data<int8_t>());
    case DataType::i16:
      return f(t.data<int16_t>());
    case DataType::i32:
      return f(t.data<int32_t>());
    case DataType::i64:
      return f(t.data<int64_t>());
    case DataType::u8:
      return f(t.data<uint8_t>());
    case DataType::u16:
      return f(t.data<uint16_t>());
    case DataType::u32:
      return f(t.data<uint32_t>());
    case DataType::u64:
      return f(t.data<uint64_t>());
    case DataType::boolean:
      return f(t.data<bool>());
    case DataType::string:
      break;
  }
  HONE_CHECK(!"visit needs a numeric tensor");
}

// Borrowed data may be less aligned than its type.
template <class T>
T element(const T* data, int64_t i) {
  T value;
  if constexpr (std::is_same_v<T, bool>) {
    // Foreign bytes other than 0 and 1 are no valid bool.
    value = reinterpret_cast<const uint8_t*>(data)[i] != 0;
  } else {
    std::memcpy(&value, reinterpret_cast<const char*>(data) + i * sizeof(T), sizeof value);
  }
  return value;
}

}  // namespace

bool is_float(DataType dtype) {
  return dtype == DataType::f16 || dtype == DataType::bf16 || dtype == DataType::f32 ||
         dtype == DataType::f64;
}
bool is_signed_integer(DataType dtype) { return dtype >= DataType::i8 && dtype <= DataType::i64; }
bool is_integer(DataType dtype) { return dtype >= DataType::i8 && dtype <= DataType::u64; }

Result<int64_t> checked_num_elements(const std::vector<int64_t>& shape) {
  bool empty = false;
  for (const int64_t d : shape) {
    if (d < 0) return Status(Code::kShape, fmt::format("dimension {} is negative", d));
    empty = empty || d == 0;
  }
  if (empty) return int64_t{0};
  int64_t count = 1;
  for (const int64_t d : shape) {
    if (__builtin_mul_overflow(count, d, &count) || count > kMaxTensorSize) {
      return Status(Code::kOutOfResources,
                    fmt::format("a tensor of shape [{}] is too large", fmt::join(shape, ",")));
    }
  }
  return count;
}

Result<int64_t> checked_num_bytes(DataType dtype, const std::vector<int64_t>& shape) {
  HONE_ASSIGN_OR_RETURN(int64_t bytes, checked_num_elements(shape));
  if (__builtin_mul_overflow(bytes, static_cast<int64_t>(dtype_size(dtype)), &bytes) ||
      bytes > kMaxTensorSize) {
    return Status(Code::kOutOfResources,
                  fmt::format("a tensor {} is too large", type_text(dtype, shape)));
  }
  return bytes;
}

Result<Tensor> Tensor::allocate(DataType dtype, std::vector<int64_t> shape) {
  HONE_ASSIGN_OR_RETURN(const int64_t bytes, checked_num_bytes(dtype, shape));
  Tensor t;
  t.dtype_ = dtype;
  t.num_elements_ = *checked_num_elements(shape);
  t.owned_ = true;
  const auto no_memory = [&] {
    return Status(Code::kOutOfResources,
                  fmt::format("no memory for a tensor {} ({})", type_text(dtype, shape),
                              human_bytes(static_cast<uint64_t>(bytes))));
  };
  if (dtype == DataType::string) {
    // 2^32 strings are 128 GiB.
    if (t.num_elements_ > int64_t{1} << 32) return no_memory();
    t.strings_ = std::make_shared<std::vector<std::string>>(t.num_elements_);
  } else {
    t.owner_ = allocate_bytes(static_cast<size_t>(bytes));
    if (t.owner_ == nullptr) return no_memory();
    t.data_ = t.owner_.get();
  }
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::empty(DataType dtype, std::vector<int64_t> shape) {
  auto t = allocate(dtype, std::move(shape));
  HONE_CHECK(t.ok());
  return *std::move(t);
}

Tensor Tensor::zeros(DataType dtype, std::vector<int64_t> shape) {
  Tensor t = empty(dtype, std::move(shape));
  if (!t.is_string()) std::memset(t.mutable_raw(), 0, t.bytes());
  return t;
}

Tensor Tensor::view(DataType dtype, std::vector<int64_t> shape, const void* data,
                    std::shared_ptr<const void> owner) {
  HONE_CHECK(dtype != DataType::string && checked_num_bytes(dtype, shape).ok());
  Tensor t;
  t.dtype_ = dtype;
  t.num_elements_ = *checked_num_elements(shape);
  t.shape_ = std::move(shape);
  t.data_ = data;
  t.owner_ = std::move(owner);
  return t;
}

Result<Tensor> Tensor::copy_of(DataType dtype, std::vector<int64_t> shape, const void* data,
                               size_t bytes) {
  HONE_ASSIGN_OR_RETURN(const int64_t needed, checked_num_bytes(dtype, shape));
  if (dtype == DataType::string || static_cast<size_t>(needed) != bytes) {
    return Status(Code::kShape, fmt::format("a tensor {} has {} bytes, not {}",
                                            type_text(dtype, shape), needed, bytes));
  }
  HONE_ASSIGN_OR_RETURN(Tensor t, allocate(dtype, std::move(shape)));
  if (bytes > 0) std::memcpy(t.mutable_raw(), data, bytes);
  return t;
}

Tensor Tensor::strings(std::vector<int64_t> shape, std::vector<std::string> values) {
  const auto count = checked_num_elements(shape);
  HONE_CHECK(count.ok() && *count == static_cast<int64_t>(values.size()));
  Tensor t;
  t.dtype_ = DataType::string;
  t.owned_ = true;
  t.shape_ = std::move(shape);
  t.num_elements_ = static_cast<int64_t>(values.size());
  t.strings_ = std::make_shared<std::vector<std::string>>(std::move(values));
  return t;
}

const std::vector<std::string>& Tensor::string_values() const {
  HONE_CHECK(is_string() && strings_ != nullptr);
  return *strings_;
}

bool Tensor::is_unique() const {
  return owned_ && (is_string() ? strings_.use_count() : owner_.use_count()) == 1;
}

void* Tensor::mutable_raw() {
  HONE_CHECK(is_unique());
  return const_cast<void*>(data_);
}

std::vector<std::string>& Tensor::mutable_strings() {
  HONE_CHECK(is_string() && is_unique());
  return *strings_;
}

void Tensor::make_unique() {
  if (!is_unique()) *this = clone();
}

Tensor Tensor::clone() const {
  if (is_string()) return strings(shape_, string_values());
  Tensor t = empty(dtype_, shape_);
  if (bytes() > 0) std::memcpy(t.mutable_raw(), data_, bytes());
  return t;
}

Tensor Tensor::reshaped(std::vector<int64_t> shape) const {
  const auto count = checked_num_elements(shape);
  HONE_CHECK(count.ok() && *count == num_elements_);
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

Hash128 Tensor::hash() const {
  Hasher hasher;
  hasher.update_u64(static_cast<uint64_t>(dtype_));
  hasher.update_u64(shape_.size());
  hasher.update(shape_.data(), shape_.size() * sizeof(int64_t));
  if (is_string()) {
    for (const auto& s : string_values()) {
      hasher.update_u64(s.size());
      hasher.update(s);
    }
  } else {
    hasher.update(data_, bytes());
  }
  return hasher.digest();
}

bool Tensor::equal(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (is_string()) return string_values() == other.string_values();
  return data_ == other.data_ || bytes() == 0 || std::memcmp(data_, other.data_, bytes()) == 0;
}

std::optional<std::vector<int64_t>> Tensor::as_int64s(int64_t max_elements) const {
  if (!is_integer(dtype_) && dtype_ != DataType::boolean) return std::nullopt;
  if (num_elements_ > max_elements) return std::nullopt;
  std::vector<int64_t> values(num_elements_);
  bool fits = true;
  visit(*this, [&](const auto* data) {
    using T = std::decay_t<decltype(*data)>;
    for (int64_t i = 0; i < num_elements_; ++i) {
      const T value = element(data, i);
      if constexpr (std::is_same_v<T, uint64_t>) fits = fits && value <= INT64_MAX;
      if constexpr (std::is_integral_v<T>) values[i] = static_cast<int64_t>(value);
    }
  });
  if (!fits) return std::nullopt;
  return values;
}

std::optional<std::vector<double>> Tensor::as_doubles(int64_t max_elements) const {
  if (is_string() || num_elements_ > max_elements) return std::nullopt;
  std::vector<double> values(num_elements_);
  visit(*this, [&](const auto* data) {
    using T = std::decay_t<decltype(*data)>;
    for (int64_t i = 0; i < num_elements_; ++i) {
      if constexpr (std::is_arithmetic_v<T>) {
        values[i] = static_cast<double>(element(data, i));
      } else {
        values[i] = static_cast<float>(element(data, i));
      }
    }
  });
  return values;
}

std::string Tensor::text(int64_t max_values) const {
  std::string text = type_text(dtype_, shape_) + " {";
  const int64_t shown = std::min(num_elements_, max_values);
  for (int64_t i = 0; i < shown; ++i) {
    if (i > 0) text += ", ";
    if (is_string()) {
      text += '"' + printable(string_values()[i], 40) + '"';
      continue;
    }
    visit(*this, [&](const auto* data) {
      using T = std::decay_t<decltype(*data)>;
      if constexpr (std::is_same_v<T, bool>) {
        text += element(data, i) ? "true" : "false";
      } else if constexpr (std::is_integral_v<T> || std::is_same_v<T, double>) {
        text += fmt::format("{}", +element(data, i));  // + makes int8_t a number
      } else {
        text += fmt::format("{}", static_cast<float>(element(data, i)));
      }
    });
  }
  if (shown < num_elements_) text += shown > 0 ? ", ..." : "...";
  return text + "}";
}

}  // namespace hone

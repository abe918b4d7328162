// Constant tensors: from wire form to values and back.
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <mutex>
#include <optional>

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"
#include "importers/tensorflow/proto.h"
#include "importers/tensorflow/proto_budget.h"

namespace hone::tf {

using protozero::pbf_reader;

struct TensorProto::State {
  TfType dtype = TfType::kInvalid;
  ShapeProto shape;
  // In wire form, as read from a file ...
  bool is_wire = false;
  std::string_view wire;
  std::shared_ptr<const void> owner;
  std::shared_ptr<ExpansionBudget> expansion;
  std::string file;
  // ... and the value, made on first use.
  std::once_flag once;
  std::optional<Result<Tensor>> value;

  Result<Tensor> decode() const;
  Tensor decode_content(std::string_view content, DataType type) const;
  Tensor decode_values(Decoder& decoder, DataType type, int64_t count) const;
  Tensor decode_strings(Decoder& decoder, int64_t count) const;
};

namespace {

[[noreturn]] void fail(Code code, std::string what) { throw DecodeError(Status(code, what)); }

// The bytes of `tensor_content` (the last one wins), empty when absent.
std::string_view find_content(Decoder& decoder) {
  std::string_view content;
  pbf_reader in = decoder.reader();
  while (in.next()) {
    if (in.tag_and_type() == bytes_field(4)) {
      content = decoder.view(in);
    } else {
      in.skip();
    }
  }
  return content;
}

// Writes values one after another into a tensor, ignoring what is too many, as TensorFlow does.
class Filler {
 public:
  Filler(Tensor* tensor)
      : data_(static_cast<char*>(tensor->mutable_raw())),
        size_(dtype_size(tensor->dtype())),
        count_(tensor->num_elements()) {}

  // `bits`: the element in the low bytes (little-endian, as everywhere Hone runs).
  void add_bits(uint64_t bits) {
    if (filled_ < count_) std::memcpy(data_ + filled_++ * size_, &bits, size_);
  }
  void add(float value) { add_bits(std::bit_cast<uint32_t>(value)); }
  void add(double value) { add_bits(std::bit_cast<uint64_t>(value)); }
  void add(int32_t value) { add_bits(static_cast<uint64_t>(value)); }
  void add(int64_t value) { add_bits(static_cast<uint64_t>(value)); }
  void add(uint64_t value) { add_bits(value); }
  template <class Range>
  void add_all(const Range& range) {
    for (const auto value : range) add(value);
  }
  // The last value repeats; without any value all are zero.
  void finish() {
    if (filled_ == 0) {
      std::memset(data_, 0, count_ * size_);
      return;
    }
    const char* last = data_ + (filled_ - 1) * size_;
    for (; filled_ < count_; ++filled_) std::memcpy(data_ + filled_ * size_, last, size_);
  }

 private:
  char* data_;
  size_t size_;
  int64_t count_, filled_ = 0;
};

// The number of the field that holds values of `type`.
uint32_t value_field(DataType type) {
  switch (type) {
    case DataType::f32:
      return 5;
    case DataType::f64:
      return 6;
    case DataType::i64:
      return 10;
    case DataType::boolean:
      return 11;
    case DataType::f16:
    case DataType::bf16:
      return 13;
    case DataType::u32:
      return 16;
    case DataType::u64:
      return 17;
    default:
      return 7;  // int_val: i8, i16, i32, u8, u16
  }
}

void read_values(Decoder& decoder, DataType type, Filler* out) {
  const uint32_t field = value_field(type);
  pbf_reader in = decoder.reader();
  while (in.next()) {
    if (in.tag() != field) {
      in.skip();
      continue;
    }
    switch (in.wire_type()) {
      case protozero::pbf_wire_type::fixed32:
        field == 5 ? out->add(in.get_float()) : in.skip();
        break;
      case protozero::pbf_wire_type::fixed64:
        field == 6 ? out->add(in.get_double()) : in.skip();
        break;
      case protozero::pbf_wire_type::varint:
        if (field == 5 || field == 6) {
          in.skip();
        } else {
          out->add(field == 11 ? uint64_t{in.get_uint64() != 0} : in.get_uint64());
        }
        break;
      case protozero::pbf_wire_type::length_delimited:
        if (field == 5) {
          out->add_all(in.get_packed_float());
        } else if (field == 6) {
          out->add_all(in.get_packed_double());
        } else {
          for (const uint64_t v : in.get_packed_uint64())
            out->add(field == 11 ? uint64_t{v != 0} : v);
        }
        break;
      default:
        in.skip();
    }
  }
}

}  // namespace

Tensor TensorProto::State::decode_content(std::string_view content, DataType type) const {
  const auto bytes = checked_num_bytes(type, shape.dims);
  if (!bytes.ok()) throw DecodeError(bytes.status());
  if (*bytes != static_cast<int64_t>(content.size())) {
    fail(Code::kModel, fmt::format("a constant {} {} has {} bytes of content instead of {}",
                                   type_name(dtype), to_string(shape), content.size(), *bytes));
  }
  // A field may start at any byte of the file; a Tensor needs the alignment of its elements.
  const bool aligned = reinterpret_cast<uintptr_t>(content.data()) % dtype_size(type) == 0;
  if (aligned) return Tensor::view(type, shape.dims, content.data(), owner);
  auto copy = Tensor::copy_of(type, shape.dims, content.data(), content.size());
  if (!copy.ok()) throw DecodeError(copy.status());
  return *std::move(copy);
}

Tensor TensorProto::State::decode_values(Decoder& decoder, DataType type, int64_t count) const {
  const auto bytes = checked_num_bytes(type, shape.dims);
  if (!bytes.ok()) throw DecodeError(bytes.status());
  if (!expansion->take(*bytes)) {
    fail(Code::kOutOfResources,
         fmt::format("a constant {} {} ({} elements) is far larger than its file", type_name(dtype),
                     to_string(shape), count));
  }
  auto tensor = Tensor::allocate(type, shape.dims);
  if (!tensor.ok()) throw DecodeError(tensor.status());
  if (count > 0) {
    Filler filler(&*tensor);
    read_values(decoder, type, &filler);
    filler.finish();
  }
  return *std::move(tensor);
}

Tensor TensorProto::State::decode_strings(Decoder& decoder, int64_t count) const {
  std::vector<std::string> values;
  const auto take = [&](size_t bytes, size_t times) {
    int64_t total;
    if (__builtin_mul_overflow(bytes, times, &total) || !expansion->take(total)) {
      fail(Code::kOutOfResources,
           fmt::format("a constant string {} is far larger than its file", to_string(shape)));
    }
  };
  pbf_reader in = decoder.reader();
  while (in.next()) {
    if (in.tag_and_type() == bytes_field(8) && static_cast<int64_t>(values.size()) < count) {
      const std::string_view value = decoder.view(in);
      take(sizeof(std::string) + value.size(), 1);
      values.emplace_back(value);
    } else {
      in.skip();
    }
  }
  const auto missing = static_cast<size_t>(count) - values.size();
  if (missing > 0) {
    const std::string last = values.empty() ? "" : values.back();
    take(sizeof(std::string) + last.size(), missing);
    values.resize(static_cast<size_t>(count), last);
  }
  return Tensor::strings(shape.dims, std::move(values));
}

Result<Tensor> TensorProto::State::decode() const {
  const auto type = to_hone(dtype);
  if (!type) {
    return Status(Code::kUnsupported,
                  fmt::format("a constant of type {} cannot be read", type_name(dtype)))
        .at(file);
  }
  Decoder decoder(wire, owner, file);
  return guarded(decoder, [&] {
    const auto count = checked_num_elements(shape.dims);
    if (shape.unknown_rank || !count.ok()) {
      fail(Code::kModel, fmt::format("a constant of shape {}", to_string(shape)));
    }
    const std::string_view content = find_content(decoder);
    if (*type == DataType::string) {
      if (!content.empty()) fail(Code::kUnsupported, "strings in the form of tensor_content");
      return decode_strings(decoder, *count);
    }
    return content.empty() ? decode_values(decoder, *type, *count) : decode_content(content, *type);
  });
}

TensorProto::TensorProto(Tensor tensor) : state_(std::make_shared<State>()) {
  state_->dtype = to_tf(tensor.dtype());
  state_->shape.dims = tensor.shape();
  state_->value = std::move(tensor);
}

TensorProto TensorProto::from_wire(Decoder& decoder, std::string_view wire) {
  decoder.charge(sizeof(State) + 2 * sizeof(void*));
  TensorProto proto;
  proto.state_ = std::make_shared<State>();
  State& state = *proto.state_;
  state.is_wire = true;
  state.wire = wire;
  state.owner = decoder.owner();
  state.expansion = decoder.expansion();
  state.file = decoder.where();
  pbf_reader in = decoder.message({wire.data(), wire.size()});
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        state.dtype = TfType{in.get_enum()};
        break;
      case bytes_field(2):
        state.shape = read_shape(decoder, decoder.message(in));
        break;
      default:
        in.skip();
    }
  }
  return proto;
}

TfType TensorProto::dtype() const { return state_ ? state_->dtype : TfType::kInvalid; }

const ShapeProto& TensorProto::shape() const {
  static const ShapeProto kNone;
  return state_ ? state_->shape : kNone;
}

Result<Tensor> TensorProto::tensor() const {
  if (!state_) return Status(Code::kModel, "an empty constant");
  State& state = *state_;
  std::call_once(state.once, [&] {
    if (!state.value) state.value = state.decode();
  });
  return *state.value;
}

void TensorProto::append_to(std::string* out) const {
  if (!state_) return;
  if (state_->is_wire) {
    out->append(state_->wire);
    return;
  }
  const Tensor& tensor = **state_->value;
  protozero::pbf_writer writer(*out);
  writer.add_enum(1, static_cast<int32_t>(state_->dtype));
  write_shape(protozero::pbf_writer(writer, 2), state_->shape);
  if (tensor.is_string()) {
    for (const std::string& value : tensor.string_values()) writer.add_bytes(8, value);
  } else {
    writer.add_bytes(4, static_cast<const char*>(tensor.raw()), tensor.bytes());
  }
}

}  // namespace hone::tf

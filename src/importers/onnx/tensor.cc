#include "importers/onnx/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/dim.h"
#include "base/text.h"

namespace hone::onnx {
namespace {

using protozero::pbf_reader;

static_assert(std::endian::native == std::endian::little, "raw data is little-endian");

pbf_reader message(TensorBytes bytes) {
  return pbf_reader(protozero::data_view(bytes.data(), bytes.size()));
}

// Writes numbers of the typed fields into a tensor; more than fit are an error.
struct Filler {
  Tensor* tensor;
  int64_t count = 0;

  template <class T>
  void put(T value) {
    if (count >= tensor->num_elements()) {
      throw ImportError(Status(Code::kModel, "it has more elements than its dims say"));
    }
    store(static_cast<char*>(tensor->mutable_raw()) + count * dtype_size(tensor->dtype()), value);
    ++count;
  }
  template <class Range>
  void put_all(const Range& range) {
    for (auto value : range) put(value);
  }

 private:
  template <class To, class T>
  static void store_as(char* to, T value) {
    const To converted = static_cast<To>(value);
    std::memcpy(to, &converted, sizeof(To));
  }
  // int32_data holds the bits of f16 and bf16 and the values of small integers.
  template <class T>
  void store(char* to, T value) const {
    switch (tensor->dtype()) {
      case DataType::f32:
        return store_as<float>(to, value);
      case DataType::f64:
        return store_as<double>(to, value);
      case DataType::boolean:
        return store_as<uint8_t>(to, value != 0 ? 1 : 0);
      default:
        break;
    }
    if constexpr (std::is_integral_v<T>) {  // two's complement: cut to the width
      const auto bits = static_cast<uint64_t>(value);
      std::memcpy(to, &bits, dtype_size(tensor->dtype()));
    }
  }
};

// The number of the field that holds the elements of a dtype, if not raw_data.
uint32_t field_of(DataType dtype) {
  switch (dtype) {
    case DataType::f32:
      return 4;
    case DataType::f64:
      return 10;
    case DataType::i64:
      return 7;
    case DataType::u32:
    case DataType::u64:
      return 11;
    case DataType::string:
      return 6;
    default:
      return 5;
  }
}

void fill(TensorBytes bytes, Filler* filler) {
  const uint32_t wanted = field_of(filler->tensor->dtype());
  pbf_reader in = message(bytes);
  while (in.next(wanted)) {
    switch (in.tag_and_type()) {
      case fixed32_field(4):
        filler->put(in.get_float());
        break;
      case bytes_field(4):
        filler->put_all(in.get_packed_float());
        break;
      case varint_field(5):
        filler->put(in.get_int32());
        break;
      case bytes_field(5):
        filler->put_all(in.get_packed_int32());
        break;
      case varint_field(7):
        filler->put(in.get_int64());
        break;
      case bytes_field(7):
        filler->put_all(in.get_packed_int64());
        break;
      case fixed64_field(10):
        filler->put(in.get_double());
        break;
      case bytes_field(10):
        filler->put_all(in.get_packed_double());
        break;
      case varint_field(11):
        filler->put(in.get_uint64());
        break;
      case bytes_field(11):
        filler->put_all(in.get_packed_uint64());
        break;
      default:
        in.skip();
    }
  }
}

Tensor read_strings(TensorBytes bytes, std::vector<int64_t> shape, int64_t size) {
  std::vector<std::string> values;
  pbf_reader in = message(bytes);
  while (in.next(6, protozero::pbf_wire_type::length_delimited)) {
    values.emplace_back(get_view(in));
  }
  if (static_cast<int64_t>(values.size()) != size) {
    throw ImportError(
        Status(Code::kModel, fmt::format("it has {} strings instead of {}", values.size(), size)));
  }
  return Tensor::strings(std::move(shape), std::move(values));
}

// A location that cannot leave the folder of the model.
bool is_safe_location(std::string_view location) {
  if (location.empty() || location.front() == '/' ||
      location.find('\0') != std::string_view::npos ||
      location.find('\\') != std::string_view::npos) {
    return false;
  }
  const auto parts = split(location, '/');
  return std::find(parts.begin(), parts.end(), "..") == parts.end();
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  const auto value = parse_int64(text);
  if (!value || *value < 0) {
    throw ImportError(Status(
        Code::kModel, fmt::format("its external data has the number '{}'", printable(text))));
  }
  return static_cast<uint64_t>(*value);
}

}  // namespace

std::optional<DataType> to_dtype(int64_t elem_type) {
  switch (elem_type) {
    case 1:
      return DataType::f32;
    case 2:
      return DataType::u8;
    case 3:
      return DataType::i8;
    case 4:
      return DataType::u16;
    case 5:
      return DataType::i16;
    case 6:
      return DataType::i32;
    case 7:
      return DataType::i64;
    case 8:
      return DataType::string;
    case 9:
      return DataType::boolean;
    case 10:
      return DataType::f16;
    case 11:
      return DataType::f64;
    case 12:
      return DataType::u32;
    case 13:
      return DataType::u64;
    case 16:
      return DataType::bf16;
    default:
      return std::nullopt;
  }
}

std::string elem_type_text(int64_t elem_type) {
  static constexpr const char* kNames[] = {
      "UNDEFINED",      "FLOAT",      "UINT8",          "INT8",       "UINT16",   "INT16",
      "INT32",          "INT64",      "STRING",         "BOOL",       "FLOAT16",  "DOUBLE",
      "UINT32",         "UINT64",     "COMPLEX64",      "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN",
      "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4",      "INT4",     "FLOAT4E2M1"};
  const bool known = elem_type >= 0 && elem_type < static_cast<int64_t>(std::size(kNames));
  return fmt::format("{} ({})", known ? kNames[elem_type] : "unknown", elem_type);
}

struct TensorReader::Header {
  DataType dtype = DataType::f32;
  std::vector<int64_t> shape;
  int64_t num_elements = 0;
  std::optional<std::string_view> raw;
  bool is_external = false;
  ExternalData external;
};

TensorReader::TensorReader(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}

TensorReader::Header TensorReader::read_header(TensorBytes bytes) {
  Header header;
  int64_t elem_type = 0;
  auto add_dim = [&header](int64_t dim) {
    if (header.shape.size() >= kMaxRank) {
      throw ImportError(
          Status(Code::kModel, fmt::format("it has more than {} dimensions", kMaxRank)));
    }
    header.shape.push_back(dim);
  };
  pbf_reader in = message(bytes);
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        add_dim(in.get_int64());
        break;
      case bytes_field(1):
        for (int64_t dim : in.get_packed_int64()) add_dim(dim);
        break;
      case varint_field(2):
        elem_type = in.get_int32();
        break;
      case bytes_field(9):
        header.raw = get_view(in);
        break;
      case bytes_field(13): {
        pbf_reader entry = in.get_message();
        std::string_view key, value;
        while (entry.next()) {
          const bool is_bytes = entry.wire_type() == protozero::pbf_wire_type::length_delimited;
          if (is_bytes && entry.tag() == 1) {
            key = get_view(entry);
          } else if (is_bytes && entry.tag() == 2) {
            value = get_view(entry);
          } else {
            entry.skip();
          }
        }
        if (key == "location") header.external.location = value;
        if (key == "offset") header.external.offset = parse_unsigned(value);
        if (key == "length") header.external.length = parse_unsigned(value);
        break;
      }
      case varint_field(14):
        header.is_external = in.get_int32() == 1;
        break;
      default:
        in.skip();
    }
  }
  const auto dtype = to_dtype(elem_type);
  if (!dtype) {
    throw ImportError(Status(Code::kUnsupported, fmt::format("a tensor has elements of type {}",
                                                             elem_type_text(elem_type))));
  }
  header.dtype = *dtype;
  header.num_elements = value_or_throw(checked_num_elements(header.shape));
  return header;
}

Tensor TensorReader::from_bytes(const Header& header, std::string_view bytes,
                                const std::shared_ptr<const MappedFile>& owner) {
  const auto needed = value_or_throw(checked_num_bytes(header.dtype, header.shape));
  if (static_cast<uint64_t>(needed) != bytes.size()) {
    throw ImportError(Status(
        Code::kModel, fmt::format("it has {} bytes of data; {}{} needs {}", bytes.size(),
                                  dtype_name(header.dtype), shape_text(header.shape), needed)));
  }
  const auto address = reinterpret_cast<uintptr_t>(bytes.data());
  const bool aligned = address % dtype_size(header.dtype) == 0;
  if (header.dtype != DataType::boolean && aligned && needed > 0) {
    return Tensor::view(header.dtype, header.shape, bytes.data(), owner);
  }
  Tensor tensor = value_or_throw(Tensor::allocate(header.dtype, header.shape));
  if (header.dtype == DataType::boolean) {  // any byte but 0 is true
    auto* to = static_cast<uint8_t*>(tensor.mutable_raw());
    for (size_t i = 0; i < bytes.size(); ++i) to[i] = bytes[i] != 0 ? 1 : 0;
  } else if (needed > 0) {
    std::memcpy(tensor.mutable_raw(), bytes.data(), bytes.size());
    owner->forget(bytes);
  }
  return tensor;
}

Tensor TensorReader::read_external(const Header& header) {
  const ExternalData& external = header.external;
  if (!is_safe_location(external.location)) {
    throw ImportError(
        Status(Code::kModel,
               fmt::format("its external data is in '{}'", printable(external.location)))
            .because("the location must be a relative path within the folder of the model"));
  }
  auto& file = external_files_[external.location];
  if (!file) {
    file =
        value_or_throw(MappedFile::open(join_path(parent_path(file_->path()), external.location)));
  }
  const uint64_t offset = external.offset.value_or(0);
  if (offset > file->size() || external.length.value_or(0) > file->size() - offset) {
    throw ImportError(
        Status(Code::kModel, fmt::format("its external data is outside of {}", file->path()))
            .because(fmt::format("the file has {} bytes; offset {}, length {}", file->size(),
                                 offset, external.length.value_or(0)))
            .fix("the file is incomplete or belongs to another model"));
  }
  // Without a length the data goes on to the end of the file or as far as the shape says.
  const auto needed =
      static_cast<uint64_t>(value_or_throw(checked_num_bytes(header.dtype, header.shape)));
  const uint64_t length =
      external.length.value_or(std::min<uint64_t>(needed, file->size() - offset));
  return from_bytes(header, file->view().substr(offset, length), file);
}

Tensor TensorReader::read(TensorBytes bytes) {
  const Header header = read_header(bytes);
  if (header.dtype == DataType::string) {
    return read_strings(bytes, header.shape, header.num_elements);
  }
  if (header.is_external) return read_external(header);
  if (header.raw) return from_bytes(header, *header.raw, file_);
  // Each element takes at least one byte: no memory for what cannot be there.
  if (header.num_elements > static_cast<int64_t>(bytes.size())) {
    throw ImportError(Status(Code::kModel, "it has fewer elements than its dims say"));
  }
  Tensor tensor = value_or_throw(Tensor::allocate(header.dtype, header.shape));
  Filler filler{&tensor};
  if (header.num_elements > 0) fill(bytes, &filler);
  if (filler.count != header.num_elements) {
    throw ImportError(Status(Code::kModel, fmt::format("it has {} elements instead of {}",
                                                       filler.count, header.num_elements)));
  }
  return tensor;
}

}  // namespace hone::onnx

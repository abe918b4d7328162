#include "npy.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace hone::tools {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 64 << 10;  // NumPy itself stops at 10,000 bytes
constexpr size_t kMaxNpyRank = 32;       // NumPy 1's limit

struct DtypeRow {
  std::string_view descr;  // without the byte order
  DataType dtype;
};
constexpr DtypeRow kDtypes[] = {
    {"f4", DataType::f32}, {"f8", DataType::f64}, {"f2", DataType::f16}, {"i1", DataType::i8},
    {"i2", DataType::i16}, {"i4", DataType::i32}, {"i8", DataType::i64}, {"u1", DataType::u8},
    {"u2", DataType::u16}, {"u4", DataType::u32}, {"u8", DataType::u64}, {"b1", DataType::boolean},
};

struct Header {
  DataType dtype = DataType::f32;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  size_t data_offset = 0;
};

// Reads the Python dict of the header. The grammar is what NumPy writes: string, bool and tuple
// values.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, size_t offset, const std::string& name)
      : text_(text), offset_(offset), name_(name) {}

  Result<Header> parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    HONE_RETURN_IF_ERROR(expect('{'));
    while (!accept('}')) {
      HONE_ASSIGN_OR_RETURN(const std::string_view key, string());
      HONE_RETURN_IF_ERROR(expect(':'));
      bool* seen = key == "descr"           ? &has_descr
                   : key == "fortran_order" ? &has_order
                   : key == "shape"         ? &has_shape
                                            : nullptr;
      if (!seen) return damaged(fmt::format("unknown key '{}'", printable(key)));
      if (*seen) return damaged(fmt::format("key '{}' is there twice", key));
      *seen = true;
      HONE_RETURN_IF_ERROR(value(key, &header));
      if (accept(',')) continue;
      HONE_RETURN_IF_ERROR(expect('}'));
      break;
    }
    blanks();
    if (pos_ != text_.size()) return damaged("there is text after the dictionary");
    if (!has_descr || !has_order || !has_shape) {
      return damaged("descr, fortran_order and shape are not all there");
    }
    return header;
  }

 private:
  Status damaged(std::string cause) const {
    return Status(Code::kModel, "damaged .npy header")
        .at(fmt::format("{}: byte {}", name_, offset_ + pos_))
        .because(std::move(cause))
        .fix("write the file again with numpy.save");
  }

  void blanks() {
    while (pos_ < text_.size() &&
           (text_[pos_] == ' ' || text_[pos_] == '\n' || text_[pos_] == '\t'))
      ++pos_;
  }
  bool accept(char c) {
    blanks();
    if (pos_ == text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  Status expect(char c) { return accept(c) ? ok() : damaged(fmt::format("'{}' expected", c)); }
  bool accept_word(std::string_view word) {
    blanks();
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }

  Result<std::string_view> string() {
    blanks();
    if (pos_ == text_.size() || (text_[pos_] != '\'' && text_[pos_] != '"'))
      return damaged("string expected");
    const size_t end = text_.find(text_[pos_], pos_ + 1);
    if (end == std::string_view::npos) return damaged("a string does not end");
    const std::string_view result = text_.substr(pos_ + 1, end - pos_ - 1);
    pos_ = end + 1;
    return result;
  }

  Status value(std::string_view key, Header* header) {
    if (key == "descr") return descr(header);
    if (key == "shape") return shape(header);
    if (accept_word("True")) {
      header->fortran_order = true;
    } else if (!accept_word("False")) {
      return damaged("fortran_order is neither True nor False");
    }
    return ok();
  }

  Status descr(Header* header) {
    blanks();
    if (pos_ < text_.size() && text_[pos_] == '[') return unsupported("structured arrays");
    HONE_ASSIGN_OR_RETURN(const std::string_view text, string());
    if (text.size() < 2) return damaged("descr is too short");
    for (const DtypeRow& row : kDtypes) {
      if (text.substr(1) != row.descr) continue;
      const bool one_byte = dtype_size(row.dtype) == 1;
      if (text[0] == '>' && !one_byte) return unsupported("big-endian numbers");
      if (text[0] != '<' && text[0] != '|' && text[0] != '>') break;
      header->dtype = row.dtype;
      return ok();
    }
    return unsupported(fmt::format("dtype '{}'", printable(text, 40)));
  }

  Status unsupported(std::string what) const {
    return Status(Code::kUnsupported, fmt::format(".npy files of {} cannot be read", what))
        .at(name_)
        .fix("save it as little-endian numbers: numpy.save(path, array.astype('<f4'))");
  }

  Status shape(Header* header) {
    HONE_RETURN_IF_ERROR(expect('('));
    while (!accept(')')) {
      blanks();
      size_t end = pos_;
      while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
      const auto size = parse_int64(text_.substr(pos_, end - pos_));
      if (!size) return damaged("a dimension is not a number");
      pos_ = end;
      accept('L');  // Python 2 wrote long integers so
      header->shape.push_back(*size);
      if (header->shape.size() > kMaxNpyRank) return damaged("more than 32 dimensions");
      if (accept(',')) continue;
      HONE_RETURN_IF_ERROR(expect(')'));
      break;
    }
    return ok();
  }

  std::string_view text_;
  size_t offset_, pos_ = 0;
  const std::string& name_;
};

Status damaged_file(const std::string& name, size_t offset, std::string cause) {
  return Status(Code::kModel, "not a usable .npy file")
      .at(fmt::format("{}: byte {}", name, offset))
      .because(std::move(cause))
      .fix("write it with numpy.save");
}

Result<Header> read_header(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 10 || bytes.substr(0, kMagic.size()) != kMagic) {
    return damaged_file(name, 0, "it does not begin as .npy files do");
  }
  const int major = static_cast<uint8_t>(bytes[6]);
  if (major < 1 || major > 3) return damaged_file(name, 6, fmt::format("format version {}", major));
  const size_t length_bytes = major == 1 ? 2 : 4, begin = 8 + length_bytes;
  if (bytes.size() < begin) return damaged_file(name, 8, "the header is cut off");
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    length |= size_t{static_cast<uint8_t>(bytes[8 + i])} << (8 * i);
  if (length > kMaxHeader) return damaged_file(name, 8, "the header is longer than 64 KiB");
  if (bytes.size() - begin < length) return damaged_file(name, 8, "the header is cut off");
  HONE_ASSIGN_OR_RETURN(Header header,
                        HeaderParser(bytes.substr(begin, length), begin, name).parse());
  header.data_offset = begin + length;
  return header;
}

// Elements of `data` are in Fortran order; copies them into C order.
Tensor to_c_order(const Header& header, const std::byte* data) {
  Tensor result = Tensor::empty(header.dtype, header.shape);
  auto* out = static_cast<std::byte*>(result.mutable_raw());
  const size_t rank = header.shape.size(), size = dtype_size(header.dtype);
  std::vector<int64_t> strides(rank), index(rank, 0);  // strides in the file, in elements
  int64_t stride = 1;
  for (size_t d = 0; d < rank; ++d) {
    strides[d] = stride;
    stride *= header.shape[d];
  }
  int64_t from = 0;
  for (int64_t i = 0; i < result.num_elements(); ++i) {
    std::memcpy(out + static_cast<size_t>(i) * size, data + static_cast<size_t>(from) * size, size);
    for (size_t d = rank; d-- > 0;) {
      from += strides[d];
      if (++index[d] < header.shape[d]) break;
      from -= strides[d] * header.shape[d];
      index[d] = 0;
    }
  }
  return result;
}

// Bytes other than 0 and 1 are not booleans that C++ may read.
Status check_booleans(const Header& header, std::string_view data, const std::string& name) {
  if (header.dtype != DataType::boolean) return ok();
  const auto it = std::find_if(data.begin(), data.end(), [](char c) { return c != 0 && c != 1; });
  if (it == data.end()) return ok();
  const size_t offset = header.data_offset + static_cast<size_t>(it - data.begin());
  return damaged_file(name, offset, "a boolean is neither 0 nor 1");
}

std::optional<std::string_view> descr_of(DataType dtype) {
  for (const DtypeRow& row : kDtypes) {
    if (row.dtype == dtype) return row.descr;
  }
  return std::nullopt;
}

Tensor bf16_to_float(const Tensor& tensor) {
  Tensor result = Tensor::empty(DataType::f32, tensor.shape());
  const BFloat16* in = tensor.data<BFloat16>();
  float* out = result.mutable_data<float>();
  for (int64_t i = 0; i < tensor.num_elements(); ++i) out[i] = static_cast<float>(in[i]);
  return result;
}

}  // namespace

Result<Tensor> read_npy(std::string_view bytes, const std::string& name) {
  HONE_ASSIGN_OR_RETURN(const Header header, read_header(bytes, name));
  const auto expected = checked_num_bytes(header.dtype, header.shape);
  if (!expected.ok()) return Status(expected.status()).at(name);
  const std::string_view data = bytes.substr(header.data_offset);
  if (data.size() != static_cast<size_t>(*expected)) {
    return damaged_file(name, header.data_offset,
                        fmt::format("{} bytes of data instead of {}", data.size(), *expected));
  }
  HONE_RETURN_IF_ERROR(check_booleans(header, data, name));
  if (header.fortran_order && header.shape.size() > 1 && *expected > 0) {
    return to_c_order(header, reinterpret_cast<const std::byte*>(data.data()));
  }
  return Tensor::copy_of(header.dtype, header.shape, data.data(), data.size());
}

Result<Tensor> read_npy_file(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path, MappedFile::Mode::kCopy));
  return read_npy(file->view(), path);
}

Result<std::string> write_npy(const Tensor& tensor) {
  if (tensor.dtype() == DataType::bf16) return write_npy(bf16_to_float(tensor));
  const auto descr = descr_of(tensor.dtype());
  if (!descr) {
    return Status(Code::kUnsupported,
                  fmt::format("{} cannot be written as .npy", dtype_name(tensor.dtype())));
  }
  std::string shape;
  for (int64_t size : tensor.shape()) shape += std::to_string(size) + ", ";
  if (tensor.rank() > 0)
    shape.resize(shape.size() - (tensor.rank() > 1 ? 2 : 1));  // "(2, 3)", "(3,)"
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   dtype_size(tensor.dtype()) == 1 ? '|' : '<', *descr, shape);
  const size_t total =
      (10 + header.size() + 1 + 63) / 64 * 64;  // the data begins at a multiple of 64
  header += std::string(total - 10 - header.size() - 1, ' ') + "\n";
  std::string bytes(kMagic);
  bytes += '\x01';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(static_cast<const char*>(tensor.raw()), tensor.bytes());
  return bytes;
}

}  // namespace hone::tools

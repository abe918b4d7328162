#include "graph/constant_store.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace hone {
namespace {

constexpr std::string_view kMagic = "HONECST1";
constexpr size_t kAlignment = 64;
constexpr int kMaxRank = 64;

template <class T>
void append(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Reads numbers from untrusted bytes; past the end everything is 0 and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value = 0;
    if (std::string_view piece = take(sizeof(T)); ok_) std::memcpy(&value, piece.data(), sizeof(T));
    return value;
  }
  std::string_view take(uint64_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  void align() { take((kAlignment - at_ % kAlignment) % kAlignment); }
  bool ok() const { return ok_; }
  size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

Status damaged(std::string why) {
  return Status(Code::kModel, "the file of constants is damaged").because(std::move(why));
}

Result<std::pair<Hash128, Tensor>> read_record(Reader* reader,
                                               const std::shared_ptr<const MappedFile>& file) {
  const size_t start = reader->at();
  Hash128 hash;
  hash.high = reader->number<uint64_t>();
  hash.low = reader->number<uint64_t>();
  const auto dtype = static_cast<DataType>(reader->number<uint8_t>());
  const int rank = reader->number<uint8_t>();
  reader->take(6);
  const uint64_t bytes = reader->number<uint64_t>();
  if (!reader->ok()) return damaged("it is too short");
  DataType known;
  if (!parse_dtype(dtype_name(dtype), &known) || known != dtype || dtype == DataType::string) {
    return damaged(fmt::format("the data type at offset {} is unknown", start + 16));
  }
  if (rank > kMaxRank) return damaged(fmt::format("the rank at offset {} is {}", start + 17, rank));
  std::vector<int64_t> shape;
  for (int i = 0; i < rank; ++i) shape.push_back(reader->number<int64_t>());
  reader->align();
  const std::string_view data = reader->take(bytes);
  if (!reader->ok()) return damaged("it is too short");
  HONE_ASSIGN_OR_RETURN(const int64_t expected, checked_num_bytes(dtype, shape));
  if (static_cast<uint64_t>(expected) != bytes) {
    return damaged(fmt::format("the constant at offset {} has the wrong size", start));
  }
  if (dtype == DataType::boolean &&
      data.find_first_not_of(std::string_view("\0\1", 2)) != data.npos) {
    return damaged(fmt::format("the constant at offset {} is not boolean", start));
  }
  Tensor tensor = Tensor::view(dtype, std::move(shape), data.data(), file);
  if (tensor.hash() != hash) {
    return damaged(fmt::format("the constant at offset {} does not have its hash", start));
  }
  return std::pair(hash, std::move(tensor));
}

}  // namespace

Hash128 ConstantStore::add(const Tensor& tensor) {
  HONE_CHECK(!tensor.is_string());
  const Hash128 hash = tensor.hash();
  tensors_.emplace(hash, tensor);
  return hash;
}

const Tensor* ConstantStore::find(const Hash128& hash) const {
  auto it = tensors_.find(hash);
  return it == tensors_.end() ? nullptr : &it->second;
}

Status ConstantStore::save(const std::string& path) const {
  std::vector<std::string> headers;
  std::string header(kMagic);
  append<uint64_t>(&header, tensors_.size());
  size_t at = 0;
  headers.reserve(tensors_.size() + 1);
  std::vector<std::string_view> pieces;
  for (const auto& [hash, tensor] : tensors_) {
    append(&header, hash.high);
    append(&header, hash.low);
    append(&header, static_cast<uint8_t>(tensor.dtype()));
    append(&header, static_cast<uint8_t>(tensor.rank()));
    header.append(6, '\0');
    append<uint64_t>(&header, tensor.bytes());
    for (int64_t dim : tensor.shape()) append(&header, dim);
    header.append((kAlignment - (at + header.size()) % kAlignment) % kAlignment, '\0');
    at += header.size() + tensor.bytes();
    headers.push_back(std::move(header));
    header.clear();
    pieces.push_back(headers.back());
    pieces.push_back({static_cast<const char*>(tensor.raw()), tensor.bytes()});
  }
  if (!header.empty()) pieces.push_back(header);
  return write_file_atomically(path, pieces);
}

Result<ConstantStore> ConstantStore::load(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(auto file, MappedFile::open(path, MappedFile::Mode::kCopy));
  Reader reader(file->view());
  if (reader.take(kMagic.size()) != kMagic) {
    return Status(Code::kModel, "this is not a file of constants").at(path);
  }
  ConstantStore store;
  const uint64_t count = reader.number<uint64_t>();
  for (uint64_t i = 0; i < count; ++i) {
    auto record = read_record(&reader, file);
    if (!record.ok()) return Status(record.status()).at(path);
    store.tensors_.insert(std::move(*record));
  }
  if (!reader.ok() || reader.at() != file->size()) {
    return damaged("its length does not fit its contents").at(path);
  }
  return store;
}

}  // namespace hone

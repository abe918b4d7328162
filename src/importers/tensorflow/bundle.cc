#include "importers/tensorflow/bundle.h"

#include <fmt/format.h>

#include <cstring>

#include "base/crc32c.h"
#include "base/text.h"
#include "importers/tensorflow/bundle_table.h"
#include "importers/tensorflow/graph_def_wire.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {
namespace {

Status damaged(std::string what) {
  return Status(Code::kModel, std::move(what))
      .fix("the checkpoint is damaged or incomplete; copy or export the model again");
}

Status wrong_checksum() { return damaged("its checksum is wrong"); }

}  // namespace

Result<std::shared_ptr<const Bundle>> Bundle::open(const std::string& prefix) {
  std::shared_ptr<Bundle> bundle(new Bundle);
  bundle->prefix_ = prefix;
  HONE_RETURN_IF_ERROR(bundle->read_index());
  HONE_RETURN_IF_ERROR(bundle->open_shards());
  return std::shared_ptr<const Bundle>(std::move(bundle));
}

Status Bundle::read_index() {
  const std::string path = prefix_ + ".index";
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  HONE_ASSIGN_OR_RETURN(auto table, read_table(file->view(), path));
  const auto header = table.find("");
  if (header == table.end()) return damaged("there is no header entry").at(path);
  HONE_RETURN_IF_ERROR(read_header(header->second));
  for (const auto& [key, value] : table) {
    if (key.empty()) continue;
    HONE_ASSIGN_OR_RETURN(Entry entry, parse_entry(value, key));
    entries_.emplace_hint(entries_.end(), key, std::move(entry));
  }
  return ok();
}

// BundleHeaderProto: num_shards = 1, endianness = 2 (0 little), version = 3.
Status Bundle::read_header(std::string_view header) {
  Decoder decoder(header, nullptr, prefix_ + ".index");
  decoder.set_place("header");
  int64_t endianness = 0;
  const auto parsed = guarded(decoder, [&] {
    auto in = decoder.reader();
    while (in.next()) {
      switch (in.tag_and_type()) {
        case varint_field(1):
          num_shards_ = in.get_int32();
          break;
        case varint_field(2):
          endianness = in.get_int32();
          break;
        default:
          in.skip();
      }
    }
    return true;
  });
  if (!parsed.ok()) return parsed.status();
  if (endianness != 0) {
    return Status(Code::kUnsupported, "the variables were written on a big-endian machine")
        .at(prefix_ + ".index")
        .fix("load the model with TensorFlow on a little-endian machine and save it again");
  }
  constexpr int64_t kMostShards = 100000;  // the file name has five digits
  if (num_shards_ < 1 || num_shards_ >= kMostShards) {
    return damaged(fmt::format("{} data files", num_shards_)).at(prefix_ + ".index");
  }
  return ok();
}

// BundleEntryProto: dtype = 1, shape = 2, shard_id = 3, offset = 4, size = 5, crc32c = 6, slices
// = 7.
Result<Bundle::Entry> Bundle::parse_entry(std::string_view bytes, const std::string& key) const {
  Decoder decoder(bytes, nullptr, prefix_ + ".index");
  decoder.set_place(fmt::format("entry '{}'", printable(key)));
  return guarded(decoder, [&] {
    Entry entry;
    auto in = decoder.reader();
    while (in.next()) {
      switch (in.tag_and_type()) {
        case varint_field(1):
          entry.dtype = TfType{in.get_enum()};
          break;
        case bytes_field(2):
          entry.shape = read_shape(decoder, decoder.message(in));
          break;
        case varint_field(3):
          entry.shard = in.get_int32();
          break;
        case varint_field(4):
          entry.offset = in.get_int64();
          break;
        case varint_field(5):
          entry.size = in.get_int64();
          break;
        case fixed32_field(6):
          entry.masked_crc = in.get_fixed32();
          break;
        case bytes_field(7):
          entry.partitioned = true;
          in.skip();
          break;
        default:
          in.skip();
      }
    }
    if (entry.shard < 0 || entry.shard >= num_shards_) {
      throw DecodeError(damaged(fmt::format("data file {} of {}", entry.shard, num_shards_)));
    }
    if (entry.offset < 0 || entry.size < 0) throw DecodeError(damaged("negative offset or size"));
    return entry;
  });
}

Status Bundle::open_shards() {
  for (int64_t i = 0; i < num_shards_; ++i) {
    const std::string path = fmt::format("{}.data-{:05}-of-{:05}", prefix_, i, num_shards_);
    auto file = MappedFile::open(path);
    if (!file.ok()) {
      // An empty file cannot be mapped, but is what a bundle without elements has.
      const auto contents = read_file(path, 0);
      if (!contents.ok()) return file.status();
      shards_.push_back(nullptr);
    } else {
      shards_.push_back(*std::move(file));
    }
  }
  for (const auto& [key, entry] : entries_) {
    const auto& shard = shards_[entry.shard];
    const auto size = shard ? static_cast<int64_t>(shard->size()) : 0;
    if (entry.partitioned) continue;
    if (entry.offset > size || entry.size > size - entry.offset) {
      return damaged(fmt::format("variable '{}' needs bytes {} to {} of a data file with {} bytes",
                                 printable(key), entry.offset,
                                 static_cast<uint64_t>(entry.offset) + entry.size, size))
          .at(fmt::format("{}.data-{:05}-of-{:05}", prefix_, entry.shard, num_shards_));
    }
  }
  return ok();
}

const Bundle::Entry* Bundle::find(std::string_view key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second;
}

std::string_view Bundle::bytes_of(const Entry& entry) const {
  const auto& shard = shards_[entry.shard];
  return shard ? shard->view().substr(entry.offset, entry.size) : std::string_view();
}

Result<Tensor> Bundle::read_numbers(const Entry& entry, DataType dtype) const {
  const std::string_view bytes = bytes_of(entry);
  HONE_ASSIGN_OR_RETURN(const int64_t expected, checked_num_bytes(dtype, entry.shape.dims));
  if (expected != entry.size) {
    return damaged(fmt::format("{} {} is stored in {} bytes instead of {}", type_name(entry.dtype),
                               to_string(entry.shape), entry.size, expected));
  }
  if (crc32c(bytes.data(), bytes.size()) != crc32c_unmask(entry.masked_crc))
    return wrong_checksum();
  if (bytes.empty()) return Tensor::allocate(dtype, entry.shape.dims);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % dtype_size(dtype) != 0) {
    return Tensor::copy_of(dtype, entry.shape.dims, bytes.data(), bytes.size());
  }
  return Tensor::view(dtype, entry.shape.dims, bytes.data(), shards_[entry.shard]);
}

// The lengths as varints, the masked CRC32C of the lengths (each as 4 bytes, or 8 if it needs
// them), the strings. The entry's CRC goes over the lengths in that form, the masked CRC, and the
// strings.
Result<Tensor> Bundle::read_strings(const Entry& entry) const {
  std::string_view bytes = bytes_of(entry);
  HONE_ASSIGN_OR_RETURN(const int64_t count, checked_num_elements(entry.shape.dims));
  // Each string has at least one byte of length: `count` is bounded by the file.
  if (count > entry.size) return damaged(fmt::format("{} strings in {} bytes", count, entry.size));
  std::vector<uint64_t> lengths(count);
  uint32_t crc = 0;
  uint64_t total = 0;
  for (uint64_t& length : lengths) {
    if (!read_varint(bytes, &length) || length > bytes.size()) return damaged("a bad length");
    total += length;
    crc = crc32c(&length, length <= UINT32_MAX ? sizeof(uint32_t) : sizeof(uint64_t), crc);
  }
  if (bytes.size() < sizeof(uint32_t) || total != bytes.size() - sizeof(uint32_t)) {
    return damaged("the lengths of its strings do not add up");
  }
  uint32_t stored;
  std::memcpy(&stored, bytes.data(), sizeof stored);
  bytes.remove_prefix(sizeof stored);
  if (crc32c_unmask(stored) != crc) return wrong_checksum();
  crc = crc32c(&stored, sizeof stored, crc);
  if (crc32c(bytes.data(), bytes.size(), crc) != crc32c_unmask(entry.masked_crc)) {
    return wrong_checksum();
  }
  std::vector<std::string> values;
  values.reserve(count);
  for (const uint64_t length : lengths) {
    values.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return Tensor::strings(entry.shape.dims, std::move(values));
}

Result<Tensor> Bundle::tensor(std::string_view key) const {
  const std::string where = fmt::format("{}: variable '{}'", prefix_, printable(key));
  const Entry* entry = find(key);
  if (entry == nullptr) return damaged("it is not in the checkpoint").at(where);
  if (entry->partitioned) {
    return Status(Code::kUnsupported, "it is stored in parts (a partitioned variable)")
        .at(where)
        .fix("save the model again without a partitioner");
  }
  const auto dtype = to_hone(entry->dtype);
  if (!dtype) {
    return Status(Code::kUnsupported,
                  fmt::format("variables of type {} cannot be read", type_name(entry->dtype)))
        .at(where);
  }
  auto result = *dtype == DataType::string ? read_strings(*entry) : read_numbers(*entry, *dtype);
  if (!result.ok()) return Status(result.status()).at(where);
  return result;
}

}  // namespace hone::tf

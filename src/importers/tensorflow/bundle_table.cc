// The file ends in a 48-byte footer: two block handles (offset and size as varints), of the
// metaindex and the index block, zero padding, and 8 bytes of magic. A block is its entries, an
// array of restart offsets with its length, then (outside the handle's size) one byte of
// compression type and the masked CRC32C of block and type. An entry is three varints (bytes shared
// with the key before, further key bytes, value bytes), the key bytes, the value. The values of the
// index block are handles.
#include "importers/tensorflow/bundle_table.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "base/crc32c.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {
namespace {

constexpr size_t kFooterBytes = 48, kTrailerBytes = 5, kMagicBytes = 8;
constexpr uint64_t kMagic = 0xdb4775248b80fb57u;

struct Handle {
  uint64_t offset = 0, size = 0;
};

uint32_t load_u32(const char* bytes) {
  uint32_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

Status damaged(std::string what) {
  return Status(Code::kModel, std::move(what))
      .fix("the file is damaged or incomplete; copy or export the model again");
}

class Table {
 public:
  explicit Table(std::string_view file)
      : file_(file), key_budget_(kMinBudget + kBudgetPerByte * static_cast<int64_t>(file.size())) {}

  Status read() {
    HONE_ASSIGN_OR_RETURN(const Handle index, read_footer());
    std::vector<Handle> blocks;
    const auto add_block = [&](const std::string&, std::string_view value) -> Status {
      Handle handle;
      if (!read_varint(value, &handle.offset) || !read_varint(value, &handle.size)) {
        return damaged("an entry of the index block is no block handle");
      }
      blocks.push_back(handle);
      return ok();
    };
    HONE_RETURN_IF_ERROR(for_each(index, add_block));
    // Blocks do not overlap, so that all of them together are no larger than the file.
    uint64_t end = 0;
    for (const Handle& block : blocks) {
      if (block.offset < end) return damaged("data blocks overlap");
      end = block.offset + block.size;
      HONE_RETURN_IF_ERROR(for_each(block, [&](const std::string& key, std::string_view value) {
        return add_entry(key, value);
      }));
    }
    return ok();
  }

  std::map<std::string, std::string, std::less<>> take() { return std::move(entries_); }

 private:
  Result<Handle> read_footer() {
    if (file_.size() < kFooterBytes) {
      return damaged(fmt::format("{} bytes are too few for a table", file_.size()));
    }
    std::string_view footer = file_.substr(file_.size() - kFooterBytes);
    uint64_t magic;
    std::memcpy(&magic, footer.data() + kFooterBytes - kMagicBytes, sizeof magic);
    if (magic != kMagic) return damaged("the last 8 bytes are not those of a table");
    footer.remove_suffix(kMagicBytes);
    Handle metaindex, index;
    for (uint64_t* field : {&metaindex.offset, &metaindex.size, &index.offset, &index.size}) {
      if (!read_varint(footer, field)) return damaged("the footer is damaged");
    }
    return index;
  }

  Result<std::string_view> read_block(const Handle& handle) const {
    const uint64_t end = file_.size() - kFooterBytes;
    if (handle.offset > end || handle.size > end - handle.offset ||
        end - handle.offset - handle.size < kTrailerBytes) {
      return damaged(fmt::format("a block at byte {} of {} bytes is outside of the file",
                                 handle.offset, handle.size));
    }
    const std::string_view block = file_.substr(handle.offset, handle.size);
    const char* trailer = block.data() + block.size();
    const uint32_t crc = crc32c(block.data(), block.size() + 1);
    if (crc32c_unmask(load_u32(trailer + 1)) != crc) {
      return damaged(fmt::format("the checksum of the block at byte {} is wrong", handle.offset));
    }
    if (trailer[0] != 0) {
      return Status(Code::kUnsupported, fmt::format("the block at byte {} is compressed (type {})",
                                                    handle.offset, int{trailer[0]}))
          .because("TensorFlow writes variable indexes without compression")
          .fix("load the model with TensorFlow and save it again");
    }
    return block;
  }

  // Calls `function(key, value)` for each entry of a block.
  template <class F>
  Status for_each(const Handle& handle, F&& function) {
    HONE_ASSIGN_OR_RETURN(std::string_view block, read_block(handle));
    const auto bad = [&] {
      return damaged(fmt::format("the block at byte {} is damaged", handle.offset));
    };
    if (block.size() < sizeof(uint32_t)) return bad();
    const uint64_t restarts = load_u32(block.data() + block.size() - sizeof(uint32_t));
    if (restarts > (block.size() - sizeof(uint32_t)) / sizeof(uint32_t)) return bad();
    block.remove_suffix((restarts + 1) * sizeof(uint32_t));
    std::string key;
    while (!block.empty()) {
      uint64_t shared, added, value_bytes;
      if (!read_varint(block, &shared) || !read_varint(block, &added) ||
          !read_varint(block, &value_bytes) || shared > key.size() || added > block.size() ||
          value_bytes > block.size() - added) {
        return bad();
      }
      key.resize(shared);
      key.append(block.substr(0, added));
      HONE_RETURN_IF_ERROR(function(key, block.substr(added, value_bytes)));
      block.remove_prefix(added + value_bytes);
    }
    return ok();
  }

  Status add_entry(const std::string& key, std::string_view value) {
    // Prefix compression can make few bytes into many.
    key_budget_ -= static_cast<int64_t>(key.size() + value.size()) + 128;
    if (key_budget_ < 0) {
      return Status(Code::kOutOfResources, "the keys of the table are far larger than the file");
    }
    if (!entries_.empty() && entries_.rbegin()->first >= key) return damaged("keys do not ascend");
    entries_.emplace_hint(entries_.end(), key, value);
    return ok();
  }

  std::string_view file_;
  std::map<std::string, std::string, std::less<>> entries_;
  int64_t key_budget_;
};

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> read_table(std::string_view file,
                                                                   const std::string& name) {
  Table table(file);
  if (Status status = table.read(); !status.ok()) return std::move(status).at(name);
  return table.take();
}

}  // namespace hone::tf

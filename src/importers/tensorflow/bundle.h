// Tensor bundles: the `variables/variables.index` and `.data-00000-of-00001` files of a checkpoint.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/tensor.h"
#include "hone/status.h"
#include "importers/tensorflow/graph_def.h"

namespace hone::tf {

// Immutable after open(); any thread.
class Bundle {
 public:
  struct Entry {
    TfType dtype = TfType::kInvalid;
    ShapeProto shape;
    int64_t shard = 0, offset = 0, size = 0;  // bytes; checked to lie within the shard
    uint32_t masked_crc = 0;
    bool partitioned = false;  // stored in slices under other keys
  };

  // `prefix` is the path without ".index". Reads and checks the index, maps the shards.
  static Result<std::shared_ptr<const Bundle>> open(const std::string& prefix);

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  const Entry* find(std::string_view key) const;
  // The value, its checksum verified. Numbers are used where they are mapped if they are aligned
  // (TensorFlow does not align them), else copied; the Tensor keeps the mapping alive.
  // kModel: no such key, damage. kUnsupported: partitioned, or a dtype Hone lacks.
  Result<Tensor> tensor(std::string_view key) const;

 private:
  Bundle() = default;
  Status read_index();
  Status read_header(std::string_view header);
  Status open_shards();
  Result<Entry> parse_entry(std::string_view bytes, const std::string& key) const;
  Result<Tensor> read_numbers(const Entry& entry, DataType dtype) const;
  Result<Tensor> read_strings(const Entry& entry) const;
  std::string_view bytes_of(const Entry& entry) const;

  std::string prefix_;
  int64_t num_shards_ = 1;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::shared_ptr<const MappedFile>> shards_;  // null: an empty file
};

}  // namespace hone::tf

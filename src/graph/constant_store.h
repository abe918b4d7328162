// Constants by hash: the side file of a printed graph.
#pragma once

#include <map>
#include <string>

#include "base/hash.h"
#include "base/tensor.h"
#include "hone/status.h"

namespace hone {

// Thread-compatible. Tensors share their bytes with whoever added them.
//
// File, little-endian: "HONECST1", u64 number of constants; then for each a record of
//   u64 hash high, u64 hash low, u8 dtype, u8 rank, 6 zero bytes, u64 bytes, i64 dimension [rank],
// zeros up to a multiple of 64 from the beginning of the file, the bytes of the elements.
class ConstantStore {
 public:
  // The key is tensor.hash(). REQUIRES: no strings.
  Hash128 add(const Tensor& tensor);
  const Tensor* find(const Hash128& hash) const;  // null if there is none
  size_t size() const { return tensors_.size(); }

  Status save(const std::string& path) const;  // kIo; replaces the file at once
  // Tensors keep the contents of the file in memory. Every hash is checked. Errors: kIo, kModel.
  static Result<ConstantStore> load(const std::string& path);

 private:
  std::map<Hash128, Tensor> tensors_;  // ordered: equal stores make equal files
};

}  // namespace hone

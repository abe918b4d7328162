// Data layouts and padding of TensorFlow's spatial operators.
#pragma once

#include <string>
#include <vector>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {

// "NHWC" or "NCHW" (also NDHWC ...): Hone works channels last, so NC... data is transposed on both
// sides.
struct DataLayout {
  bool channels_first = false;
  size_t rank = 4;

  size_t channel() const { return channels_first ? 1 : rank - 1; }
  std::vector<int64_t> to_last() const;   // permutation
  std::vector<int64_t> to_first() const;  // permutation
  // The spatial part of a list with one entry per dimension of the data. kUnsupported unless batch
  // and channel have the entry 1; an empty list stays empty.
  Result<std::vector<int64_t>> spatial(const std::vector<int64_t>& list, const char* what) const;
};

// The attribute data_format for data of this rank. kModel when they do not fit.
Result<DataLayout> data_layout(NodeImporter& n, size_t rank);

Result<Value*> to_last(NodeImporter& n, const DataLayout& layout, Value* data);
Status output_from_last(NodeImporter& n, const DataLayout& layout, Value* value);

// The attributes padding and explicit_paddings as Hone's auto_pad and pads (begins, then ends).
struct Padding {
  std::string auto_pad;
  std::vector<int64_t> pads;
};
Result<Padding> read_padding(NodeImporter& n, const DataLayout& layout);

}  // namespace hone::tf

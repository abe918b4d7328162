#include "tactics/cpu/strided_loops.h"

#include "base/check.h"

namespace hone {

StridedLoops::StridedLoops(const std::vector<int64_t>& shape,
                           const std::vector<std::vector<int64_t>>& strides) {
  HONE_CHECK(strides.size() <= kMaxOperands);
  // Dimensions without gaps between them become one, for all operands alike.
  std::vector<int64_t> sizes;
  std::vector<std::vector<int64_t>> merged(strides.size());
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    bool continues = !sizes.empty();
    for (size_t k = 0; k < strides.size() && continues; ++k) {
      continues = merged[k].back() == shape[d] * strides[k][d];
    }
    if (continues) {
      sizes.back() *= shape[d];
    } else {
      sizes.push_back(shape[d]);
    }
    for (size_t k = 0; k < strides.size(); ++k) {
      if (continues) merged[k].pop_back();
      merged[k].push_back(strides[k][d]);
    }
  }
  row_size_ = 1;
  steps_.assign(strides.size(), 0);
  if (!sizes.empty()) {
    row_size_ = sizes.back();
    sizes.pop_back();
    for (size_t k = 0; k < strides.size(); ++k) {
      steps_[k] = merged[k].back();
      merged[k].pop_back();
    }
  }
  rows_ = 1;
  for (int64_t size : sizes) rows_ *= size;
  blocks_per_row_ = (row_size_ + kBlock - 1) / kBlock;
  sizes_ = std::move(sizes);
  strides_ = std::move(merged);
}

void StridedLoops::row_offsets(int64_t row, int64_t* offsets) const {
  std::fill_n(offsets, steps_.size(), 0);
  for (size_t d = sizes_.size(); d-- > 0;) {
    const int64_t i = row % sizes_[d];
    row /= sizes_[d];
    for (size_t k = 0; k < steps_.size(); ++k) offsets[k] += i * strides_[k][d];
  }
}

}  // namespace hone

// Loops over operands of one shape with strides of their own (0 where one broadcasts), cut into
// blocks of neighbouring elements: the frame of tactics that take any dtype.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hone {

class StridedLoops {
 public:
  static constexpr int64_t kBlock = 256;  // elements; a few buffers of them stay in the L1 cache
  static constexpr size_t kMaxOperands = 20;

  StridedLoops() = default;
  // `strides`: of each operand, one per dimension.
  StridedLoops(const std::vector<int64_t>& shape, const std::vector<std::vector<int64_t>>& strides);

  int64_t blocks() const { return rows_ * blocks_per_row_; }
  int64_t step(size_t operand) const { return steps_[operand]; }  // between neighbours of a block
  // Calls f(const int64_t* offsets, int64_t count) for blocks [begin, end): the first element of
  // each operand, and how many there are.
  template <class F>
  void run(int64_t begin, int64_t end, F&& f) const {
    int64_t offsets[kMaxOperands];
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b % blocks_per_row_ * kBlock;
      row_offsets(b / blocks_per_row_, offsets);
      for (size_t k = 0; k < steps_.size(); ++k) offsets[k] += first * steps_[k];
      f(static_cast<const int64_t*>(offsets), std::min(kBlock, row_size_ - first));
    }
  }

 private:
  void row_offsets(int64_t row, int64_t* offsets) const;

  std::vector<int64_t> sizes_;                 // outer dimensions
  std::vector<std::vector<int64_t>> strides_;  // of each operand
  std::vector<int64_t> steps_;
  int64_t rows_ = 0, row_size_ = 0, blocks_per_row_ = 0;
};

}  // namespace hone

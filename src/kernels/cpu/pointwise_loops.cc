// Broadcasting as loops: merges the dimensions that every operand walks in one stride.
#include "base/check.h"
#include "kernels/cpu/pointwise.h"

namespace hone::cpu {
namespace {

// A block large enough to hide the cost of handing it to a thread (several us), small enough that
// a 100 K element tensor still splits over all cores.
constexpr int64_t kBlockElements = 16384;

struct Dim {
  int64_t size;
  int64_t stride[1 + kMaxPointwiseInputs];
};

// True when walking `outer` then `inner` is one walk of stride inner.stride for all operands.
bool can_merge(const Dim& outer, const Dim& inner, int operands) {
  for (int i = 0; i < operands; ++i) {
    if (outer.stride[i] != inner.stride[i] * inner.size) return false;
  }
  return true;
}

int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

PointwiseLoops plan_pointwise_loops(int rank, const int64_t* shape, const int64_t* out_strides,
                                    int num_inputs, const int64_t* const* input_strides) {
  HONE_CHECK(rank <= kMaxPointwiseRank && num_inputs <= kMaxPointwiseInputs);
  const int operands = 1 + num_inputs;
  Dim dims[kMaxPointwiseRank + 2];
  int count = 0;
  for (int d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    Dim dim;
    dim.size = shape[d];
    dim.stride[0] = out_strides[d];
    for (int i = 0; i < num_inputs; ++i) dim.stride[1 + i] = input_strides[i][d];
    if (count > 0 && can_merge(dims[count - 1], dim, operands)) {
      dim.size *= dims[count - 1].size;
      dims[count - 1] = dim;
    } else {
      dims[count++] = dim;
    }
  }
  Dim unit{};
  unit.size = 1;
  // The last dimension must be contiguous in the output, else it becomes the rows of one column.
  if (count == 0 || dims[count - 1].stride[0] != 1) dims[count++] = unit;
  const Dim& cols = dims[count - 1];
  const Dim& rows = count >= 2 ? dims[count - 2] : unit;

  PointwiseLoops loops;
  loops.num_inputs = num_inputs;
  loops.num_outer = count > 2 ? count - 2 : 0;
  loops.rows = rows.size;
  loops.cols = cols.size;
  int64_t outer_count = 1;
  for (int i = 0; i < operands; ++i) {
    loops.row_stride[i] = rows.stride[i];
    loops.col_stride[i] = cols.stride[i];
    for (int d = 0; d < loops.num_outer; ++d) loops.outer_stride[d][i] = dims[d].stride[i];
  }
  for (int d = 0; d < loops.num_outer; ++d) {
    loops.outer[d] = dims[d].size;
    outer_count *= dims[d].size;
  }
  loops.block_cols = loops.cols < kBlockElements ? loops.cols : kBlockElements;
  loops.block_rows = loops.block_cols > 0 ? kBlockElements / loops.block_cols : 1;
  if (loops.block_rows > loops.rows) loops.block_rows = loops.rows;
  const bool empty = loops.rows == 0 || loops.cols == 0 || outer_count == 0;
  loops.num_blocks = empty ? 0
                           : outer_count * div_up(loops.rows, loops.block_rows) *
                                 div_up(loops.cols, loops.block_cols);
  return loops;
}

void run_pointwise_blocks(PointwiseRun run, const PointwiseProgram& program,
                          const PointwiseLoops& loops, float* out, const float* const* inputs,
                          int64_t first, int64_t last) {
  if (first >= last) return;
  const int operands = 1 + loops.num_inputs;
  const int64_t col_blocks = div_up(loops.cols, loops.block_cols);
  const int64_t row_blocks = div_up(loops.rows, loops.block_rows);
  for (int64_t block = first; block < last; ++block) {
    const int64_t col = block % col_blocks * loops.block_cols;
    const int64_t row = block / col_blocks % row_blocks * loops.block_rows;
    int64_t index = block / col_blocks / row_blocks;
    int64_t offset[1 + kMaxPointwiseInputs];
    for (int i = 0; i < operands; ++i) {
      offset[i] = row * loops.row_stride[i] + col * loops.col_stride[i];
    }
    for (int d = loops.num_outer - 1; d >= 0; --d) {
      const int64_t at = index % loops.outer[d];
      index /= loops.outer[d];
      for (int i = 0; i < operands; ++i) offset[i] += at * loops.outer_stride[d][i];
    }
    PointwiseOperand blocks[kMaxPointwiseInputs];
    for (int i = 0; i < loops.num_inputs; ++i) {
      blocks[i] = {inputs[i] + offset[1 + i], loops.row_stride[1 + i], loops.col_stride[1 + i]};
    }
    const int64_t rows = loops.rows - row < loops.block_rows ? loops.rows - row : loops.block_rows;
    const int64_t cols = loops.cols - col < loops.block_cols ? loops.cols - col : loops.block_cols;
    run(program, rows, cols, out + offset[0], loops.row_stride[0], blocks);
  }
}

}  // namespace hone::cpu

// Moving elements of 1, 2, 4 or 8 bytes between strided tensors: copies for concat, slice and
// expand where a view is impossible, permutations, constant padding, fill, gather of rows.
// Pure functions on memory the caller owns; input and output must not overlap; no byte outside the
// named elements is touched; no alignment is needed.
#pragma once

#include <cstdint>

namespace hone::cpu {

inline constexpr int kMaxCopyRank = 8;

// A strided copy as loops: outer dimensions around [rows][cols] blocks. Made once per shape.
struct CopyPlan {
  enum class Kind : uint8_t {
    kRows,       // columns contiguous on both sides: memcpy of rows
    kTranspose,  // columns contiguous in the output, rows contiguous in the input
    kStrided,    // anything else, element by element
  };
  Kind kind;
  int element_bytes;
  int num_outer;
  int64_t outer[kMaxCopyRank];
  int64_t rows, cols;
  // Strides in bytes.
  int64_t out_outer_stride[kMaxCopyRank], in_outer_stride[kMaxCopyRank];
  int64_t out_row_stride, in_row_stride, out_col_stride, in_col_stride;
  // The work in pieces, for threads.
  int64_t block_rows, block_cols, num_blocks;
};

// out[i0]..[in] = in[i0]..[in] for all indices below `shape`; strides in elements, input strides
// may be 0 (expand) or negative (reverse), and permuted at will (transpose). rank <= kMaxCopyRank.
CopyPlan plan_copy(int element_bytes, int rank, const int64_t* shape, const int64_t* out_strides,
                   const int64_t* in_strides);

// Runs blocks [first, last) of 0 .. plan.num_blocks.
void run_copy_blocks(const CopyPlan& plan, void* out, const void* in, int64_t first, int64_t last);

// The whole copy at once, for one thread.
void copy_strided(int element_bytes, int rank, const int64_t* shape, void* out,
                  const int64_t* out_strides, const void* in, const int64_t* in_strides);

// Every element of the output becomes *value (element_bytes of it).
void fill_strided(int element_bytes, int rank, const int64_t* shape, void* out,
                  const int64_t* out_strides, const void* value);

// out[i] = in[i - before] where that lies inside in_shape, *value elsewhere. `before` may be
// negative (cropping). The rows of dimension 0 in [first, last) are written: threads split there.
void pad_constant(int element_bytes, int rank, const int64_t* out_shape, void* out,
                  const int64_t* out_strides, const int64_t* in_shape, const void* in,
                  const int64_t* in_strides, const int64_t* before, const void* value,
                  int64_t first, int64_t last);

// out row i = table row indices[i], of row_bytes bytes; strides in bytes. The caller has checked
// that every index is a row of the table.
void gather_rows(int64_t row_bytes, int64_t count, void* out, int64_t out_stride, const void* table,
                 int64_t table_stride, const int32_t* indices);
void gather_rows(int64_t row_bytes, int64_t count, void* out, int64_t out_stride, const void* table,
                 int64_t table_stride, const int64_t* indices);

// out[j] at out + i * out_stride + j, in at in + j * in_stride + i (in elements): the transpose of
// a [cols][rows] matrix into [rows][cols], in tiles that stay in the L1 cache.
void transpose_2d(int element_bytes, int64_t rows, int64_t cols, void* out, int64_t out_stride,
                  const void* in, int64_t in_stride);

}  // namespace hone::cpu

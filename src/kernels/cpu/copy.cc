#include "kernels/cpu/copy.h"

#include <cstring>

#include "base/check.h"

namespace hone::cpu {
namespace {

// Bytes per piece of work: a few microseconds of memory traffic.
constexpr int64_t kBlockBytes = 64 << 10;

struct Dim {
  int64_t size, out, in;  // strides in elements
};

int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// Drops dimensions of size 1 and merges neighbours that both sides walk in one stride.
int collapse(int rank, const int64_t* shape, const int64_t* out_strides, const int64_t* in_strides,
             Dim* dims) {
  int count = 0;
  for (int d = 0; d < rank; ++d) {
    const Dim dim{shape[d], out_strides[d], in_strides[d]};
    if (dim.size == 1) continue;
    Dim* last = count > 0 ? &dims[count - 1] : nullptr;
    if (last && last->out == dim.out * dim.size && last->in == dim.in * dim.size) {
      *last = {last->size * dim.size, dim.out, dim.in};
    } else {
      dims[count++] = dim;
    }
  }
  return count;
}

// The loop that should be `rows`: for a transpose the one that the input walks contiguously, else
// the last before the columns.
int pick_rows(const Dim* dims, int count) {
  if (dims[count - 1].in != 1 && dims[count - 1].out == 1) {
    for (int d = count - 2; d >= 0; --d) {
      if (dims[d].in == 1) return d;
    }
  }
  return count - 2;
}

template <typename T>
void copy_elements(int64_t rows, int64_t cols, char* out, int64_t out_row, int64_t out_col,
                   const char* in, int64_t in_row, int64_t in_col) {
  for (int64_t r = 0; r < rows; ++r) {
    char* to = out + r * out_row;
    const char* from = in + r * in_row;
    for (int64_t c = 0; c < cols; ++c) {
      T value;
      std::memcpy(&value, from + c * in_col, sizeof(T));
      std::memcpy(to + c * out_col, &value, sizeof(T));
    }
  }
}

void copy_block(const CopyPlan& plan, int64_t rows, int64_t cols, char* out, const char* in) {
  const int size = plan.element_bytes;
  if (plan.kind == CopyPlan::Kind::kRows) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(out + r * plan.out_row_stride, in + r * plan.in_row_stride, cols * size);
    }
    return;
  }
  if (plan.kind == CopyPlan::Kind::kTranspose) {
    transpose_2d(size, rows, cols, out, plan.out_row_stride / size, in, plan.in_col_stride / size);
    return;
  }
  const auto copy = size == 1   ? copy_elements<uint8_t>
                    : size == 2 ? copy_elements<uint16_t>
                    : size == 4 ? copy_elements<uint32_t>
                                : copy_elements<uint64_t>;
  copy(rows, cols, out, plan.out_row_stride, plan.out_col_stride, in, plan.in_row_stride,
       plan.in_col_stride);
}

void fill_row(int element_bytes, char* out, int64_t count, const void* value) {
  if (count <= 0) return;
  std::memcpy(out, value, element_bytes);
  // Doubling: after k copies the first 2^k elements are set.
  for (int64_t done = 1; done < count;) {
    const int64_t n = min_of(done, count - done);
    std::memcpy(out + done * element_bytes, out, n * element_bytes);
    done += n;
  }
}

struct PadProblem {
  int element_bytes, rank;
  const int64_t *out_shape, *out_strides, *in_shape, *in_strides, *before;
  const void* value;
};

// `in` is null where an outer dimension already lies in the padding.
void pad_dim(const PadProblem& p, int d, char* out, const char* in, int64_t first, int64_t last) {
  const int64_t out_step = p.out_strides[d] * p.element_bytes;
  const int64_t in_step = p.in_strides[d] * p.element_bytes;
  const bool row = d + 1 == p.rank && p.out_strides[d] == 1 && p.in_strides[d] == 1;
  for (int64_t i = first; i < last;) {
    const int64_t at = i - p.before[d];
    const bool inside = in != nullptr && at >= 0 && at < p.in_shape[d];
    int64_t n = 1;
    if (row) {
      const int64_t until = inside                    ? p.in_shape[d] + p.before[d]
                            : in != nullptr && at < 0 ? p.before[d]
                                                      : last;
      n = min_of(until, last) - i;
      if (inside) {
        std::memcpy(out + i * out_step, in + at * in_step, n * p.element_bytes);
      } else {
        fill_row(p.element_bytes, out + i * out_step, n, p.value);
      }
    } else if (d + 1 == p.rank) {
      std::memcpy(out + i * out_step, inside ? in + at * in_step : p.value, p.element_bytes);
    } else {
      pad_dim(p, d + 1, out + i * out_step, inside ? in + at * in_step : nullptr, 0,
              p.out_shape[d + 1]);
    }
    i += n;
  }
}

template <typename Index>
void gather(int64_t row_bytes, int64_t count, void* out, int64_t out_stride, const void* table,
            int64_t table_stride, const Index* indices) {
  char* to = static_cast<char*>(out);
  const char* from = static_cast<const char*>(table);
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * out_stride, from + static_cast<int64_t>(indices[i]) * table_stride,
                row_bytes);
  }
}

}  // namespace

CopyPlan plan_copy(int element_bytes, int rank, const int64_t* shape, const int64_t* out_strides,
                   const int64_t* in_strides) {
  HONE_CHECK(rank <= kMaxCopyRank);
  HONE_CHECK(element_bytes == 1 || element_bytes == 2 || element_bytes == 4 || element_bytes == 8);
  Dim dims[kMaxCopyRank + 2];
  int count = collapse(rank, shape, out_strides, in_strides, dims);
  while (count < 2) {  // [rows][cols] at least
    for (int d = count; d > 0; --d) dims[d] = dims[d - 1];
    dims[0] = {1, 0, 0};
    ++count;
  }
  if (rank == 0 || dims[count - 1].size == 1) dims[count - 1] = {1, 1, 1};
  const int row_dim = pick_rows(dims, count);
  const Dim cols = dims[count - 1], rows = dims[row_dim];

  CopyPlan plan{};
  plan.element_bytes = element_bytes;
  plan.kind = cols.out == 1 && cols.in == 1   ? CopyPlan::Kind::kRows
              : cols.out == 1 && rows.in == 1 ? CopyPlan::Kind::kTranspose
                                              : CopyPlan::Kind::kStrided;
  plan.rows = rows.size;
  plan.cols = cols.size;
  plan.out_row_stride = rows.out * element_bytes;
  plan.in_row_stride = rows.in * element_bytes;
  plan.out_col_stride = cols.out * element_bytes;
  plan.in_col_stride = cols.in * element_bytes;
  int64_t outer_count = 1;
  for (int d = 0; d < count - 1; ++d) {
    if (d == row_dim) continue;
    plan.outer[plan.num_outer] = dims[d].size;
    plan.out_outer_stride[plan.num_outer] = dims[d].out * element_bytes;
    plan.in_outer_stride[plan.num_outer++] = dims[d].in * element_bytes;
    outer_count *= dims[d].size;
  }
  const int64_t block = kBlockBytes / element_bytes;
  plan.block_cols = plan.cols < block ? plan.cols : block;
  plan.block_rows = plan.block_cols > 0 ? block / plan.block_cols : 1;
  if (plan.block_rows >= 64) plan.block_rows = plan.block_rows / 64 * 64;  // whole cache lines
  plan.block_rows = min_of(plan.block_rows, plan.rows);
  const bool empty = plan.rows == 0 || plan.cols == 0 || outer_count == 0;
  plan.num_blocks =
      empty ? 0
            : outer_count * div_up(plan.rows, plan.block_rows) * div_up(plan.cols, plan.block_cols);
  return plan;
}

void run_copy_blocks(const CopyPlan& plan, void* out, const void* in, int64_t first, int64_t last) {
  if (first >= last) return;
  const int64_t col_blocks = div_up(plan.cols, plan.block_cols);
  const int64_t row_blocks = div_up(plan.rows, plan.block_rows);
  for (int64_t block = first; block < last; ++block) {
    const int64_t col = block % col_blocks * plan.block_cols;
    const int64_t row = block / col_blocks % row_blocks * plan.block_rows;
    int64_t index = block / col_blocks / row_blocks;
    int64_t to = row * plan.out_row_stride + col * plan.out_col_stride;
    int64_t from = row * plan.in_row_stride + col * plan.in_col_stride;
    for (int d = plan.num_outer - 1; d >= 0; --d) {
      const int64_t at = index % plan.outer[d];
      index /= plan.outer[d];
      to += at * plan.out_outer_stride[d];
      from += at * plan.in_outer_stride[d];
    }
    copy_block(plan, min_of(plan.rows - row, plan.block_rows),
               min_of(plan.cols - col, plan.block_cols), static_cast<char*>(out) + to,
               static_cast<const char*>(in) + from);
  }
}

void copy_strided(int element_bytes, int rank, const int64_t* shape, void* out,
                  const int64_t* out_strides, const void* in, const int64_t* in_strides) {
  const CopyPlan plan = plan_copy(element_bytes, rank, shape, out_strides, in_strides);
  run_copy_blocks(plan, out, in, 0, plan.num_blocks);
}

void fill_strided(int element_bytes, int rank, const int64_t* shape, void* out,
                  const int64_t* out_strides, const void* value) {
  int64_t zeros[kMaxCopyRank] = {};
  if (rank == 0) {
    std::memcpy(out, value, element_bytes);
    return;
  }
  // Everything is padding: the input has no element.
  const PadProblem problem{element_bytes, rank, shape, out_strides, zeros, zeros, zeros, value};
  PadProblem contiguous = problem;
  int64_t ones[kMaxCopyRank];
  for (int64_t& s : ones) s = 1;
  contiguous.in_strides = ones;
  pad_dim(contiguous, 0, static_cast<char*>(out), nullptr, 0, shape[0]);
}

void pad_constant(int element_bytes, int rank, const int64_t* out_shape, void* out,
                  const int64_t* out_strides, const int64_t* in_shape, const void* in,
                  const int64_t* in_strides, const int64_t* before, const void* value,
                  int64_t first, int64_t last) {
  HONE_CHECK(rank >= 1 && rank <= kMaxCopyRank);
  const PadProblem problem{element_bytes, rank,       out_shape, out_strides,
                           in_shape,      in_strides, before,    value};
  pad_dim(problem, 0, static_cast<char*>(out), static_cast<const char*>(in), first, last);
}

void gather_rows(int64_t row_bytes, int64_t count, void* out, int64_t out_stride, const void* table,
                 int64_t table_stride, const int32_t* indices) {
  gather(row_bytes, count, out, out_stride, table, table_stride, indices);
}

void gather_rows(int64_t row_bytes, int64_t count, void* out, int64_t out_stride, const void* table,
                 int64_t table_stride, const int64_t* indices) {
  gather(row_bytes, count, out, out_stride, table, table_stride, indices);
}

}  // namespace hone::cpu

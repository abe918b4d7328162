// Elementwise programs in chunks of kPointwiseChunk elements: every step runs over the chunk before
// the next one starts, so intermediate results stay in the L1 cache; the last step writes the
// output itself.
//
//   wide rows (more than kPackCols columns): for each row, for each chunk of columns, for each step
//   narrow rows: several rows make one chunk. Operands that do not lie in memory like that (a
//   per-channel vector, a strided view) are copied to buffers first, once if all rows are equal.
#pragma once

#include <cstdint>

#include "kernels/cpu/pointwise_ops_impl.h"
#include "kernels/cpu/pointwise_steps.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

constexpr int64_t kPointwiseChunk = 512;  // 2 KiB per buffer: up to a dozen share the L1 cache
constexpr int64_t kPackCols = 128;        // at 16 lanes, 8 vectors per step hide its switch
constexpr int kMaxPointwiseRegisters =
    kMaxPointwiseInputs + kMaxPointwiseConstants + kMaxPointwiseInstrs;

template <class V>
struct PointwiseRunner {
  const PointwiseProgram& program;
  const PointwiseOperand* operands;
  PointwiseSteps steps;
  PointwiseArg registers[kMaxPointwiseRegisters];
  alignas(64) float cells[kMaxPointwiseInputs + kMaxPointwiseConstants][V::kLanes];
  alignas(64) float zero[V::kLanes];
  alignas(64) float packed[kMaxPointwiseInputs][kPointwiseChunk];
  alignas(64) float slots[kMaxPointwiseInstrs][kPointwiseChunk];
  alignas(64) float result[kPointwiseChunk];

  PointwiseRunner(const PointwiseProgram& p, const PointwiseOperand* o) : program(p), operands(o) {
    compile_pointwise(program, &steps);
    V::zero().store(zero);
    for (int i = 0; i < program.num_constants; ++i) {
      set_scalar(program.num_inputs + i, program.constants[i]);
    }
    for (int s = 0; s < steps.num_steps; ++s) {
      if (steps.steps[s].slot < 0) continue;
      registers[steps.steps[s].result] = {slots[steps.steps[s].slot], 1};
    }
  }

  void set_scalar(int reg, float value) {
    V::broadcast(value).store(cells[reg]);
    registers[reg] = {cells[reg], 0};
  }

  void run_chunk(float* out, int64_t n) {
    for (int s = 0; s < steps.num_steps; ++s) {
      const PointwiseStep& step = steps.steps[s];
      PointwiseArg args[5];
      for (int k = 0; k < 5; ++k) args[k] = registers[step.args[k]];
      if (step.relu) args[3] = {zero, 0};
      run_pointwise_step<V>(step, args, step.slot < 0 ? out : slots[step.slot], n);
    }
  }

  // Copies `cols` elements of `stride` apart.
  static void pack_row(float* to, const float* from, int64_t cols, int64_t stride) {
    if (stride == 1) {
      __builtin_memcpy(to, from, cols * sizeof(float));
      return;
    }
    for (int64_t c = 0; c < cols; ++c) to[c] = from[c * stride];
  }

  void pack_rows(int i, int64_t first, int64_t rows, int64_t cols) {
    const PointwiseOperand& operand = operands[i];
    for (int64_t r = 0; r < rows; ++r) {
      pack_row(packed[i] + r * cols, operand.data + (first + r) * operand.row_stride, cols,
               operand.col_stride);
    }
    registers[i] = {packed[i], 1};
  }

  void run_wide(int64_t rows, int64_t cols, float* out, int64_t out_row_stride) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int i = 0; i < program.num_inputs; ++i) {
        if (operands[i].col_stride == 0) {
          set_scalar(i, operands[i].data[r * operands[i].row_stride]);
        }
      }
      for (int64_t c = 0; c < cols; c += kPointwiseChunk) {
        const int64_t n = cols - c < kPointwiseChunk ? cols - c : kPointwiseChunk;
        for (int i = 0; i < program.num_inputs; ++i) {
          const int64_t stride = operands[i].col_stride;
          const float* data = operands[i].data + r * operands[i].row_stride + c * stride;
          if (stride == 1) {
            registers[i] = {data, 1};
          } else if (stride != 0) {
            pack_row(packed[i], data, n, stride);
            registers[i] = {packed[i], 1};
          }
        }
        run_chunk(out + r * out_row_stride + c, n);
      }
    }
  }

  void run_narrow(int64_t rows, int64_t cols, float* out, int64_t out_row_stride) {
    const int64_t most = kPointwiseChunk / cols < rows ? kPointwiseChunk / cols : rows;
    for (int i = 0; i < program.num_inputs; ++i) {
      if (operands[i].row_stride != 0) continue;
      if (operands[i].col_stride == 0) {
        set_scalar(i, operands[i].data[0]);
      } else {
        pack_rows(i, 0, most, cols);
      }
    }
    for (int64_t r = 0; r < rows; r += most) {
      const int64_t count = rows - r < most ? rows - r : most;
      for (int i = 0; i < program.num_inputs; ++i) {
        if (operands[i].row_stride == 0) continue;
        if (operands[i].row_stride == cols && operands[i].col_stride == 1) {
          registers[i] = {operands[i].data + r * cols, 1};
        } else {
          pack_rows(i, r, count, cols);
        }
      }
      if (out_row_stride == cols) {
        run_chunk(out + r * cols, count * cols);
        continue;
      }
      run_chunk(result, count * cols);
      for (int64_t k = 0; k < count; ++k) {
        __builtin_memcpy(out + (r + k) * out_row_stride, result + k * cols, cols * sizeof(float));
      }
    }
  }
};

template <class V>
void run_pointwise_impl(const PointwiseProgram& program, int64_t rows, int64_t cols, float* out,
                        int64_t out_row_stride, const PointwiseOperand* operands) {
  if (rows <= 0 || cols <= 0) return;
  PointwiseRunner<V> runner(program, operands);
  if (rows > 1 && cols <= kPackCols) {
    runner.run_narrow(rows, cols, out, out_row_stride);
  } else {
    runner.run_wide(rows, cols, out, out_row_stride);
  }
}

}  // namespace
}  // namespace hone::cpu

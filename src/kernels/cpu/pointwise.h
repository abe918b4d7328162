// Elementwise programs over FP32 tensors: a short list of instructions run over blocks that stay in
// the L1 cache, one vector loop per instruction.
//
// Registers are numbered: the inputs 0 .. num_inputs-1, then the constants, then the result of each
// instruction in order. The last instruction is the result. A program is plain data, may be copied
// with memcpy and shared by threads. Nothing here allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

enum class PointwiseFn : uint8_t {
#define HONE_POINTWISE(name, arity) k##name,
#include "kernels/cpu/pointwise_functions.inc"
#undef HONE_POINTWISE
};

// The function of that operator name ("Add", "Sigmoid" ...), or nothing.
std::optional<PointwiseFn> find_pointwise(std::string_view name);
const char* pointwise_name(PointwiseFn fn);
int pointwise_arity(PointwiseFn fn);  // 0 for Call: any of 1 to 3

// One value through libm, the meaning of each function in plain code. Not for kCall.
float pointwise_scalar(PointwiseFn fn, const float* args);

struct PointwiseInstr {
  PointwiseFn fn;
  uint8_t arity;
  uint8_t args[3];              // register numbers, each less than this instruction's own
  float (*call)(const float*);  // kCall only: gets `arity` values
};

inline constexpr int kMaxPointwiseInputs = 16;
inline constexpr int kMaxPointwiseConstants = 32;
inline constexpr int kMaxPointwiseInstrs = 32;
inline constexpr int kMaxPointwiseRank = 8;

struct PointwiseProgram {
  uint8_t num_inputs = 0;
  uint8_t num_constants = 0;
  uint8_t num_instrs = 0;
  float constants[kMaxPointwiseConstants];
  PointwiseInstr instrs[kMaxPointwiseInstrs];

  // Each returns the register number, or -1 when the program is full. All inputs must be declared
  // (num_inputs) and all constants added before the first instruction.
  int add_constant(float value);
  int add(PointwiseFn fn, int a, int b = -1, int c = -1);
  int add_call(float (*call)(const float*), int a, int b = -1, int c = -1);
};

// nullptr if the program can run, else the reason in words.
const char* check_pointwise(const PointwiseProgram& program);

// One operand of a [rows][cols] block; strides in floats, any value (0 repeats).
// Column strides 1 and 0 are fast, others are copied to a buffer first.
struct PointwiseOperand {
  const float* data;
  int64_t row_stride;
  int64_t col_stride;
};

// out[r][c] = program(operands[0][r][c], ...). Output columns are contiguous. The output may be the
// same memory as an operand with the same strides, otherwise they must not overlap. Reads and
// writes only the elements named. The value of an element does not depend on its place in the
// block.
using PointwiseRun = void (*)(const PointwiseProgram& program, int64_t rows, int64_t cols,
                              float* out, int64_t out_row_stride, const PointwiseOperand* operands);
PointwiseRun pointwise_kernel(Isa isa);

// An N-d broadcast problem as few loops: outer dimensions around [rows][cols] blocks.
struct PointwiseLoops {
  int num_inputs;
  int num_outer;
  int64_t outer[kMaxPointwiseRank];
  int64_t rows, cols;
  // Strides in floats; index 0 is the output, 1 + i is input i.
  int64_t outer_stride[kMaxPointwiseRank][1 + kMaxPointwiseInputs];
  int64_t row_stride[1 + kMaxPointwiseInputs];
  int64_t col_stride[1 + kMaxPointwiseInputs];
  // The work in pieces of equal size (the last of a row or column smaller), for threads.
  int64_t block_rows, block_cols;
  int64_t num_blocks;
};

// `shape` is the output's; input_strides[i][d] is 0 where input i is broadcast. rank <=
// kMaxPointwiseRank. The last output dimension larger than 1 should have stride 1; if not, it
// works with one column at a time.
PointwiseLoops plan_pointwise_loops(int rank, const int64_t* shape, const int64_t* out_strides,
                                    int num_inputs, const int64_t* const* input_strides);

// Runs blocks [first, last) of 0 .. loops.num_blocks.
void run_pointwise_blocks(PointwiseRun run, const PointwiseProgram& program,
                          const PointwiseLoops& loops, float* out, const float* const* inputs,
                          int64_t first, int64_t last);

}  // namespace hone::cpu

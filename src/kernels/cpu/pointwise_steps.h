// Internal to the elementwise kernels: a program with its commonest runs of instructions joined
// into one step each and a buffer assigned to every intermediate result.
#pragma once

#include <cstdint>

#include "kernels/cpu/pointwise.h"

namespace hone::cpu {

struct PointwiseStep {
  enum class Kind : uint8_t {
    kFn,      // instr.fn as it is
    kSilu,    // x * Sigmoid(x)
    kAffine,  // clamp(x * m + a, lo, hi), each part present or not; product and sum are rounded
              // apart
  };
  Kind kind;
  PointwiseFn fn;
  uint8_t arity;
  // kFn: the arguments. kSilu: x. kAffine: x, m, a, lo, hi; those that are absent are 0.
  uint8_t args[5];
  bool has_mul, has_add, has_low, has_high;
  bool relu;               // the lower limit is 0 and in no register
  bool constant_exponent;  // Pow whose second argument is a constant of the program
  int16_t slot;            // buffer of the result, -1 for the output itself
  uint8_t result;
  float (*call)(const float*);
};

struct PointwiseSteps {
  int num_steps;
  int num_slots;
  PointwiseStep steps[kMaxPointwiseInstrs];
};

void compile_pointwise(const PointwiseProgram& program, PointwiseSteps* compiled);

namespace portable {
void run_pointwise(const PointwiseProgram&, int64_t rows, int64_t cols, float* out,
                   int64_t out_row_stride, const PointwiseOperand*);
}
namespace avx2 {
void run_pointwise(const PointwiseProgram&, int64_t rows, int64_t cols, float* out,
                   int64_t out_row_stride, const PointwiseOperand*);
}
namespace avx512 {
void run_pointwise(const PointwiseProgram&, int64_t rows, int64_t cols, float* out,
                   int64_t out_row_stride, const PointwiseOperand*);
}

}  // namespace hone::cpu

// The operands of a MatMul step as the matrices of a GemmProblem.
#pragma once

#include <vector>

#include "kernels/cpu/gemm.h"
#include "tactics/cpu/common.h"

namespace hone {

// Sizes of one product; 1 where they are not numbers. Dense strides.
cpu::GemmProblem gemm_problem(const StepDesc& step);

// No if a vector operand would make more than kMaxRank dimensions, or an epilogue lies beside a
// result without columns.
Verdict can_be_matrices(const StepDesc& step);

// Layouts with a dimension of 1 in the place that a vector operand lacks, [1, k] or [k, 1], and in
// the result and what is added to it; a transposed first operand as [m, k] with the strides of
// that.
struct MatrixArgs {
  PrepareArgs args;  // of the layouts below
  std::vector<TensorLayout> inputs, outputs;
  bool transpose_b = false;
  bool flipped_a = false;  // its last dimension is not contiguous
};
// `addend`: the input that is added to the result in registers, or -1.
MatrixArgs as_matrices(const PrepareArgs& args, int addend);

}  // namespace hone

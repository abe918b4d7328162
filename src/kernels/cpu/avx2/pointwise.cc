#include "kernels/cpu/simd_avx2.h"
// The vector type comes first.
#include "kernels/cpu/pointwise_impl.h"

namespace hone::cpu::avx2 {

void run_pointwise(const PointwiseProgram& program, int64_t rows, int64_t cols, float* out,
                   int64_t out_row_stride, const PointwiseOperand* operands) {
  run_pointwise_impl<Vec>(program, rows, cols, out, out_row_stride, operands);
}

}  // namespace hone::cpu::avx2

#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/lrn_impl.h"

namespace hone::cpu::avx512 {

void lrn(const LrnProblem& problem, const float* in, float* out, int64_t first, int64_t last) {
  lrn_impl<Vec>(problem, in, out, first, last);
}

}  // namespace hone::cpu::avx512

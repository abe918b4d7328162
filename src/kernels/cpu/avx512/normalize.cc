#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/normalize_impl.h"

namespace hone::cpu::avx512 {

void normalize(const NormalizeProblem& problem, const float* in, float* out, const float* scale,
               const float* bias, int64_t first, int64_t last) {
  normalize_impl<Vec>(problem, in, out, scale, bias, first, last);
}

}  // namespace hone::cpu::avx512

#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/normalize_impl.h"

namespace hone::cpu::portable {

void normalize(const NormalizeProblem& problem, const float* in, float* out, const float* scale,
               const float* bias, int64_t first, int64_t last) {
  normalize_impl<Vec<16>>(problem, in, out, scale, bias, first, last);
}

}  // namespace hone::cpu::portable

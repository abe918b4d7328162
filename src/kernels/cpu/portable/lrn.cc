#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/lrn_impl.h"

namespace hone::cpu::portable {

void lrn(const LrnProblem& problem, const float* in, float* out, int64_t first, int64_t last) {
  lrn_impl<Vec<16>>(problem, in, out, first, last);
}

}  // namespace hone::cpu::portable

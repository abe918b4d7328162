#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/softmax_impl.h"

namespace hone::cpu::avx512 {

void softmax(const SoftmaxProblem& problem, const float* in, float* out, int64_t first,
             int64_t last) {
  softmax_impl<Vec>(problem, in, out, first, last);
}

}  // namespace hone::cpu::avx512

#include "kernels/cpu/simd_avx2.h"
// The vector type comes first.
#include "kernels/cpu/depthwise_impl.h"

namespace hone::cpu::avx2 {

void depthwise(const DepthwiseProblem& problem, const DepthwisePointers& pointers, int64_t first,
               int64_t last) {
  depthwise_impl<Vec>(problem, pointers, first, last);
}

}  // namespace hone::cpu::avx2

#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/depthwise_impl.h"

namespace hone::cpu::portable {

void depthwise(const DepthwiseProblem& problem, const DepthwisePointers& pointers, int64_t first,
               int64_t last) {
  depthwise_impl<Vec<16>>(problem, pointers, first, last);
}

}  // namespace hone::cpu::portable

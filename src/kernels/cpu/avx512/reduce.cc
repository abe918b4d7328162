#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/reduce_impl.h"

namespace hone::cpu::avx512 {

void reduce(const ReduceProblem& problem, const float* in, float* out, int64_t first,
            int64_t last) {
  reduce_impl<Vec>(problem, in, out, first, last);
}

}  // namespace hone::cpu::avx512

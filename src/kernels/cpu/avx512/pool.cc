#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/pool_impl.h"

namespace hone::cpu::avx512 {

void max_pool(const PoolProblem& problem, const float* in, float* out, int64_t first,
              int64_t last) {
  pool_impl<Vec, true>(problem, in, out, first, last);
}

void average_pool(const PoolProblem& problem, const float* in, float* out, int64_t first,
                  int64_t last) {
  pool_impl<Vec, false>(problem, in, out, first, last);
}

}  // namespace hone::cpu::avx512

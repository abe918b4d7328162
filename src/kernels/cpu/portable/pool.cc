#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/pool_impl.h"

namespace hone::cpu::portable {

void max_pool(const PoolProblem& problem, const float* in, float* out, int64_t first,
              int64_t last) {
  pool_impl<Vec<16>, true>(problem, in, out, first, last);
}

void average_pool(const PoolProblem& problem, const float* in, float* out, int64_t first,
                  int64_t last) {
  pool_impl<Vec<16>, false>(problem, in, out, first, last);
}

}  // namespace hone::cpu::portable

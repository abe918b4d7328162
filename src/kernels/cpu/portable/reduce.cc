#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/reduce_impl.h"

namespace hone::cpu::portable {

void reduce(const ReduceProblem& problem, const float* in, float* out, int64_t first,
            int64_t last) {
  reduce_impl<Vec<16>>(problem, in, out, first, last);
}

}  // namespace hone::cpu::portable

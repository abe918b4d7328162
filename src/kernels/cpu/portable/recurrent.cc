#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/recurrent_impl.h"

namespace hone::cpu::portable {

void recurrent(const RecurrentProblem& problem, const RecurrentStep& step, int phase, int64_t first,
               int64_t last) {
  recurrent_impl<Vec<16>>(problem, step, phase, first, last);
}

}  // namespace hone::cpu::portable

#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/recurrent_impl.h"

namespace hone::cpu::avx512 {

void recurrent(const RecurrentProblem& problem, const RecurrentStep& step, int phase, int64_t first,
               int64_t last) {
  recurrent_impl<Vec>(problem, step, phase, first, last);
}

}  // namespace hone::cpu::avx512

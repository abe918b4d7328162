#include "kernels/cpu/reduce.h"

namespace hone::cpu {

ReduceRun reduce_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::reduce : isa == Isa::kAvx2 ? avx2::reduce : portable::reduce;
}

}  // namespace hone::cpu

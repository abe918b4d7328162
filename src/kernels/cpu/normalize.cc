#include "kernels/cpu/normalize.h"

namespace hone::cpu {

NormalizeRun normalize_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::normalize
         : isa == Isa::kAvx2 ? avx2::normalize
                             : portable::normalize;
}

}  // namespace hone::cpu

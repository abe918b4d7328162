#include "kernels/cpu/lrn.h"

namespace hone::cpu {

LrnRun lrn_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::lrn : isa == Isa::kAvx2 ? avx2::lrn : portable::lrn;
}

}  // namespace hone::cpu

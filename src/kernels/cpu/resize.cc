#include "kernels/cpu/resize.h"

namespace hone::cpu {

ResizeRun resize_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::resize : isa == Isa::kAvx2 ? avx2::resize : portable::resize;
}

}  // namespace hone::cpu

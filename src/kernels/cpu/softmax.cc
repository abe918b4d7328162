#include "kernels/cpu/softmax.h"

namespace hone::cpu {

SoftmaxRun softmax_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::softmax
         : isa == Isa::kAvx2 ? avx2::softmax
                             : portable::softmax;
}

}  // namespace hone::cpu

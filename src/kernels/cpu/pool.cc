#include "kernels/cpu/pool.h"

namespace hone::cpu {

PoolRun max_pool_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::max_pool
         : isa == Isa::kAvx2 ? avx2::max_pool
                             : portable::max_pool;
}

PoolRun average_pool_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::average_pool
         : isa == Isa::kAvx2 ? avx2::average_pool
                             : portable::average_pool;
}

}  // namespace hone::cpu

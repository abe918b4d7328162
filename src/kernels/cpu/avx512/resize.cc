#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/resize_impl.h"

namespace hone::cpu::avx512 {

void resize(const ResizeLine& line) { resize_impl<Vec>(line); }

}  // namespace hone::cpu::avx512

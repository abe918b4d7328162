#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/resize_impl.h"

namespace hone::cpu::portable {

void resize(const ResizeLine& line) { resize_impl<Vec<16>>(line); }

}  // namespace hone::cpu::portable

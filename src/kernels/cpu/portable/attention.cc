#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/attention_impl.h"

namespace hone::cpu::portable {

constexpr AttentionKernels kAttention = {
    attention_softmax_impl<Vec<16>>, attention_finish_impl<Vec<16>>, attention_scale_impl<Vec<16>>};

}  // namespace hone::cpu::portable

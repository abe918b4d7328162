#include "kernels/cpu/simd_avx512.h"
// The vector type comes first.
#include "kernels/cpu/attention_impl.h"

namespace hone::cpu::avx512 {

constexpr AttentionKernels kAttention = {attention_softmax_impl<Vec>, attention_finish_impl<Vec>,
                                         attention_scale_impl<Vec>};

}  // namespace hone::cpu::avx512

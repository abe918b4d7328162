#include "kernels/cpu/depthwise.h"

namespace hone::cpu {
namespace {

int64_t lanes_of(Isa isa) { return isa == Isa::kAvx2 ? 8 : 16; }

}  // namespace

DepthwiseRun depthwise_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::depthwise
         : isa == Isa::kAvx2 ? avx2::depthwise
                             : portable::depthwise;
}

int64_t packed_depthwise_floats(const DepthwiseProblem& problem, Isa isa) {
  const int64_t lanes = lanes_of(isa), channels = problem.channels * problem.multiplier;
  return (channels + lanes - 1) / lanes * lanes * problem.kernel_h * problem.kernel_w;
}

void pack_depthwise(const DepthwiseProblem& problem, Isa isa, const float* weights, float* packed) {
  const int64_t lanes = lanes_of(isa), channels = problem.channels * problem.multiplier;
  const int64_t taps = problem.kernel_h * problem.kernel_w;
  for (int64_t block = 0; block < channels; block += lanes) {
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t i = 0; i < lanes; ++i) {
        const int64_t o = block + i;
        *packed++ = o < channels ? weights[o * taps + t] : 0.0f;
      }
    }
  }
}

}  // namespace hone::cpu

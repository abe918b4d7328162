#include "kernels/cpu/fma_peak.h"

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

// Lower: a clock of 0.1 GHz with one unit, under load. Upper: 7 GHz with two units.
TEST(FmaPeak, IsWhatSomeCpuCouldDo) {
  EXPECT_EQ(fma_peak_flops(Isa::kPortable, 1), 0);
  for (const Isa isa : testable_isas()) {
    if (isa == Isa::kPortable) continue;
    const double lanes = isa == Isa::kAvx512 ? 16 : 8;
    for (const int threads : {1, 3}) {
      const double flops = fma_peak_flops(isa, threads);
      EXPECT_GT(flops, 1e8 * 2 * lanes) << isa_name(isa);
      EXPECT_LT(flops, 7e9 * 2 * 2 * lanes * threads) << isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace hone::cpu

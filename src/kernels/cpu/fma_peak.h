// What the arithmetic units can do at this moment: the yardstick of all shares of peak.
#pragma once

#include "kernels/cpu/isa.h"

namespace hone::cpu {

// FLOP/s of `threads` threads at once that do FP32 FMAs on registers with the vectors of `isa`: the
// best of about 20 rounds of 0.3 ms, so it shows the clock of the moment. 0 for kPortable.
// REQUIRES: the CPU has `isa`; threads >= 1.
double fma_peak_flops(Isa isa, int threads);

}  // namespace hone::cpu

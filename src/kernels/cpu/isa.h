// The instruction sets the CPU kernels are compiled for. Callers pick one at run time and must not
// ask for a set that the CPU lacks; kPortable runs everywhere.
#pragma once

namespace hone::cpu {

enum class Isa {
  kPortable,  // plain C++, 16 lanes: same code paths as kAvx512, for tests and odd machines; slow
  kAvx2,      // AVX2 + FMA + F16C + BMI2, 8 lanes
  kAvx512,    // AVX-512 F, BW, DQ, VL, 16 lanes
};

// True if this process may run kernels of `isa` (CPU and operating system support).
inline bool cpu_has(Isa isa) {
  if (isa == Isa::kPortable) return true;
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  if (isa == Isa::kAvx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace hone::cpu

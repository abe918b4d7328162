// What the kernel benchmarks share: memory, the fastest iteration, and what it is a share of.
//
// Counters of every benchmark, all from the fastest iteration, which other processes disturb least:
//   min_us   its time
//   GFLOP/s, share    and their share of the FMA peak, or
//   GB/s, share       bytes read and written once, and their share of what memcpy moves of as many
//   large    1: the shape is large enough for a good share to be expected (see report_flops)
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/fma_peak.h"
#include "kernels/cpu/isa.h"

namespace hone::cpu {

inline constexpr int64_t kBenchL2Bytes = 512 << 10;

struct FreeFloats {
  void operator()(float* p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, FreeFloats>;

// 2 MiB alignment: huge pages where the system grants them, the same layout in every run.
inline Floats random_floats(int64_t count) {
  const size_t bytes = (static_cast<size_t>(count) * 4 + (2 << 20)) >> 21 << 21;
  Floats floats(static_cast<float*>(std::aligned_alloc(2 << 20, bytes)));
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < count; i++) floats.get()[i] = uniform(rng);
  return floats;
}

inline const char* bench_isa_name(Isa isa) {
  return isa == Isa::kAvx512 ? "avx512" : isa == Isa::kAvx2 ? "avx2" : "portable";
}

inline std::string name_of(const ConvConfig& c) {
  return fmt::format("{}x{}/{}/kb{}/mb{}/pf{}", c.rows, c.vectors,
                     c.order == LoopOrder::kTilesOutside ? "tiles" : "panels", c.k_block, c.m_block,
                     c.prefetch ? 1 : 0);
}

// The vector instruction sets of this CPU.
inline std::vector<Isa> bench_isas() {
  std::vector<Isa> isas;
  for (Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (cpu_has(isa)) isas.push_back(isa);
  }
  return isas;
}

// Seconds of the fastest of the benchmark's iterations.
template <class F>
double fastest(benchmark::State& state, F run) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    const auto start = Clock::now();
    run();
    benchmark::ClobberMemory();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// One thread's FMA peak: the best so far, for the clock only ever looks slower than it is.
inline double bench_peak(Isa isa) {
  static std::map<Isa, double> best;
  return best[isa] = std::max(best[isa], fma_peak_flops(isa, 1));
}

// Bytes per second, read and written, of memcpy on a working set of so many bytes.
inline double copy_rate(double bytes) {
  static std::map<int64_t, double> rates;
  const auto half = std::max<int64_t>(static_cast<int64_t>(bytes / 2), 4096);
  double& rate = rates[half];
  if (rate > 0) return rate;
  const Floats from = random_floats(half / 4 + 1), to = random_floats(half / 4 + 1);
  const int64_t copies = std::max<int64_t>(1, (4 << 20) / half);
  for (int round = 0; round < 20; round++) {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < copies; i++) {
      std::memcpy(to.get(), from.get(), static_cast<size_t>(half));
      benchmark::ClobberMemory();
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    rate = std::max(rate, 2.0 * static_cast<double>(half * copies) / time.count());
  }
  return rate;
}

// From 5 MFLOP on (50 us at a usual peak) what happens once per call no longer counts.
inline constexpr double kLargeFlops = 5e6;

inline void report_flops(benchmark::State& state, double flops, double best, Isa isa) {
  state.counters["min_us"] = best * 1e6;
  state.counters["GFLOP/s"] = flops / best / 1e9;
  state.counters["share"] = flops / best / bench_peak(isa);
  state.counters["large"] = flops >= kLargeFlops ? 1 : 0;
}

inline void report_bytes(benchmark::State& state, double bytes, double best) {
  state.counters["min_us"] = best * 1e6;
  state.counters["GB/s"] = bytes / best / 1e9;
  state.counters["share"] = bytes / best / copy_rate(bytes);
  state.counters["large"] = bytes >= 64 << 10 ? 1 : 0;
}

}  // namespace hone::cpu

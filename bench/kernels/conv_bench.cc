// Speed of the FP32 convolution kernels on the layers of ResNet-50 (and a few others), one thread.
//
//   conv_bench [--benchmark_filter=REGEX] [--every_config]
//
// Counters: GFLOP/s and `share` of the FMA peak measured in the same process, both from the fastest
// iteration, which other processes disturb least. Pin it: taskset -c 0 conv_bench.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/winograd.h"

namespace {

using namespace hone::cpu;
using Clock = std::chrono::steady_clock;

constexpr int64_t kL2Bytes = 512 << 10;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// FLOP/s of independent FMAs on registers; the best of a few short runs.
template <int kLanes>
double measure_peak() {
  double best = 0;
  for (int round = 0; round < 20; round++) {
    const auto start = Clock::now();
    for (int i = 0; i < 10000; i++) {
      // clang-format off
#define HONE_FMA(r, d) "vfmadd231ps %%" r "15,%%" r "15,%%" r #d "\n"
#define HONE_TEN(r)                                                                         \
  HONE_FMA(r, 0) HONE_FMA(r, 1) HONE_FMA(r, 2) HONE_FMA(r, 3) HONE_FMA(r, 4) HONE_FMA(r, 5) \
  HONE_FMA(r, 6) HONE_FMA(r, 7) HONE_FMA(r, 8) HONE_FMA(r, 9)
      // clang-format on
      if constexpr (kLanes == 8) {
        asm volatile("vxorps %%ymm15,%%ymm15,%%ymm15\n" HONE_TEN("ymm")::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm15");
      } else {
        asm volatile("vxorps %%xmm15,%%xmm15,%%xmm15\n" HONE_TEN("zmm")::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm15");
      }
    }
    best = std::max(best, 10000.0 * 10 * 2 * kLanes / seconds_since(start));
  }
  return best;
}

double peak(Isa isa) {
  static std::map<Isa, double> best;
  const double now = isa == Isa::kAvx512 ? measure_peak<16>() : measure_peak<8>();
  return best[isa] = std::max(best[isa], now);
}

struct Layer {
  const char* name;
  int64_t size, in_c, out_c, kernel, stride;
};

// Keras ResNet-50: input height = width, channels, kernel, stride.
constexpr Layer kLayers[] = {
    {"stem", 224, 3, 64, 7, 2},           {"64-64@56", 56, 64, 64, 1, 1},
    {"64-256@56", 56, 64, 256, 1, 1},     {"256-64@56", 56, 256, 64, 1, 1},
    {"3x3_64@56", 56, 64, 64, 3, 1},      {"256-128@56s2", 56, 256, 128, 1, 2},
    {"256-512@56s2", 56, 256, 512, 1, 2}, {"128-512@28", 28, 128, 512, 1, 1},
    {"512-128@28", 28, 512, 128, 1, 1},   {"3x3_128@28", 28, 128, 128, 3, 1},
    {"256-1024@14", 14, 256, 1024, 1, 1}, {"1024-256@14", 14, 1024, 256, 1, 1},
    {"3x3_256@14", 14, 256, 256, 3, 1},   {"512-2048@7", 7, 512, 2048, 1, 1},
    {"2048-512@7", 7, 2048, 512, 1, 1},   {"3x3_512@7", 7, 512, 512, 3, 1},
    {"fc", 1, 2048, 1000, 1, 1},          {"fc1m", 1, 1024, 1024, 1, 1},
    {"mb_24-144@56", 56, 24, 144, 1, 1},  {"mb_144-24@56", 56, 144, 24, 1, 1},
    {"mb_576-96@14", 14, 576, 96, 1, 1},
};

ConvProblem make_problem(const Layer& layer) {
  ConvProblem p;
  p.in_h = p.in_w = layer.size, p.in_c = layer.in_c, p.out_c = layer.out_c;
  p.kernel_h = p.kernel_w = layer.kernel, p.stride_h = p.stride_w = layer.stride;
  p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = layer.kernel / 2;
  p.out_h = p.out_w = (layer.size + layer.kernel / 2 * 2 - layer.kernel) / layer.stride + 1;
  p.input = padded_strides(p);
  p.output = dense_strides(p.out_h, p.out_w, p.out_c);
  return p;
}

std::string name_of(const ConvConfig& c) {
  return fmt::format("{}x{}/{}/kb{}/mb{}/pf{}", c.rows, c.vectors,
                     c.order == LoopOrder::kTilesOutside ? "tiles" : "panels", c.k_block, c.m_block,
                     c.prefetch ? 1 : 0);
}

// 2 MiB alignment: huge pages where the system grants them, the same layout in every run.
struct Free {
  void operator()(float* p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, Free>;

Floats random_floats(int64_t count) {
  const size_t bytes = (static_cast<size_t>(count) * 4 + (2 << 20)) >> 21 << 21;
  Floats floats(static_cast<float*>(std::aligned_alloc(2 << 20, bytes)));
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < count; i++) floats.get()[i] = uniform(rng);
  return floats;
}

void report(benchmark::State& state, double flops, double best, double peak_flops) {
  state.counters["min_us"] = best * 1e6;
  state.counters["GFLOP/s"] = flops / best / 1e9;
  state.counters["share"] = flops / best / peak_flops;
}

double flops_of(const ConvProblem& p) {
  return 2.0 * p.batch * p.out_h * p.out_w * p.out_c * p.kernel_h * p.kernel_w * p.in_c / p.groups;
}

template <class F>
void time_runs(benchmark::State& state, double flops, Isa isa, F run) {
  double best = 1e9;
  for (auto _ : state) {
    const auto start = Clock::now();
    run();
    benchmark::ClobberMemory();
    best = std::min(best, seconds_since(start));
  }
  report(state, flops, best, peak(isa));
}

void bench_conv(benchmark::State& state, Layer layer, ConvConfig config, Isa isa) {
  const ConvProblem p = make_problem(layer);
  const Floats input = random_floats(padded_floats(p));
  const Floats output = random_floats(p.output.n);
  const Floats packed = random_floats(packed_weight_bytes(p, config, isa) / 4);
  const Floats bias = random_floats(p.out_c);
  const Conv conv = prepare_conv(p, config, isa);
  ConvPointers at;
  at.input = input.get() + padded_origin(p), at.packed = packed.get(), at.bias = bias.get();
  at.output = output.get(), at.lo = 0;
  time_runs(state, flops_of(p), isa, [&] { run_conv(conv, at, 0, conv.items); });
}

// FLOP/s are those of the direct algorithm, so `share` may exceed 1.
void bench_winograd(benchmark::State& state, Layer layer, WinogradConfig config, Isa isa) {
  const ConvProblem p = make_problem(layer);
  const Floats input = random_floats(padded_floats(p));
  const Floats output = random_floats(p.output.n);
  const Floats packed = random_floats(winograd_weight_bytes(p, config, isa) / 4);
  const Floats bias = random_floats(p.out_c);
  const Winograd winograd = prepare_winograd(p, config, isa);
  const Floats workspace = random_floats(winograd.workspace_floats);
  ConvPointers at;
  at.input = input.get() + padded_origin(p), at.packed = packed.get(), at.bias = bias.get();
  at.output = output.get(), at.lo = 0;
  time_runs(state, flops_of(p), isa,
            [&] { run_winograd(winograd, at, workspace.get(), 0, winograd.items); });
}

std::string name_of(const WinogradConfig& c) {
  return fmt::format("F{}/{}x{}/rows{}/groups{}/pf{}", c.tile, c.rows, c.vectors, c.tile_rows,
                     c.channel_groups, c.prefetch ? 1 : 0);
}

std::vector<WinogradConfig> every_winograd(Isa isa) {
  std::vector<WinogradConfig> configs;
  const bool avx2 = isa == Isa::kAvx2;
  for (int tile : {2, 4}) {
    for (int64_t tile_rows : {1, 2, 4, 14}) {
      for (bool prefetch : {false, true}) {
        configs.push_back({tile, avx2 ? 6 : 14, 2, tile_rows, 1, prefetch});
      }
      configs.push_back({tile, avx2 ? 4 : 8, 3, tile_rows, 1, true});
    }
  }
  return configs;
}

// For the choice of candidates(): every combination that might make sense.
std::vector<ConvConfig> every_config(Isa isa) {
  std::vector<ConvConfig> configs;
  const bool avx2 = isa == Isa::kAvx2;
  for (const auto& [rows, vectors] : {std::pair{avx2 ? 6 : 14, 2}, {avx2 ? 4 : 8, 3}}) {
    for (int m : {1, 4, 16}) {
      configs.push_back({rows, vectors, LoopOrder::kTilesOutside, 0, m, false});
    }
    for (int k : {0, 256, 512}) {
      for (bool prefetch : {false, true}) {
        configs.push_back({rows, vectors, LoopOrder::kPanelsOutside, k, 0, prefetch});
      }
    }
    for (int k : {256}) configs.push_back({rows, vectors, LoopOrder::kPanelsOutside, k, 64, true});
  }
  return configs;
}

void register_winograd(const Layer& layer, Isa isa, bool every) {
  const ConvProblem p = make_problem(layer);
  if (!winograd_can_run(p)) return;
  for (const WinogradConfig& c :
       every ? every_winograd(isa) : winograd_candidates(p, isa, kL2Bytes)) {
    const std::string name = fmt::format("winograd/{}/{}/{}", isa == Isa::kAvx2 ? "avx2" : "avx512",
                                         layer.name, name_of(c));
    benchmark::RegisterBenchmark(name.c_str(), bench_winograd, layer, c, isa)
        ->Unit(benchmark::kMicrosecond);
  }
}

void register_all(bool every) {
  for (Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (!cpu_has(isa)) continue;
    for (const Layer& layer : kLayers) {
      const ConvProblem p = make_problem(layer);
      for (const ConvConfig& c : every ? every_config(isa) : candidates(p, isa, kL2Bytes)) {
        const std::string name = fmt::format("conv/{}/{}/{}", isa == Isa::kAvx2 ? "avx2" : "avx512",
                                             layer.name, name_of(c));
        benchmark::RegisterBenchmark(name.c_str(), bench_conv, layer, c, isa)
            ->Unit(benchmark::kMicrosecond);
      }
      register_winograd(layer, isa, every);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool every = false;
  for (int i = 1; i < argc; i++) {
    if (std::strcmp(argv[i], "--every_config") != 0) continue;
    every = true;
    std::copy(argv + i + 1, argv + argc, argv + i);
    argc--;
  }
  register_all(every);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

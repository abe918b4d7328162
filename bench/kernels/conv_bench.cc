// Speed of the FP32 convolution kernels on the layers of ResNet-50 (and a few others), one thread.
//
//   conv_bench [--benchmark_filter=REGEX] [--every_config]
//
// Counters: see bench_util.h. Pin it: taskset -c 0 conv_bench.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "bench_util.h"
#include "fmt/format.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/winograd.h"
#include "shapes.h"

namespace {

using namespace hone::cpu;

ConvProblem make_problem(const ConvLayer& layer) {
  ConvProblem p;
  p.in_h = p.in_w = layer.size, p.in_c = layer.in_c, p.out_c = layer.out_c;
  p.kernel_h = p.kernel_w = layer.kernel, p.stride_h = p.stride_w = layer.stride;
  p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = layer.kernel / 2;
  p.out_h = p.out_w = (layer.size + layer.kernel / 2 * 2 - layer.kernel) / layer.stride + 1;
  p.input = padded_strides(p);
  p.output = dense_strides(p.out_h, p.out_w, p.out_c);
  return p;
}

double flops_of(const ConvProblem& p) {
  return 2.0 * p.batch * p.out_h * p.out_w * p.out_c * p.kernel_h * p.kernel_w * p.in_c / p.groups;
}

template <class F>
void time_runs(benchmark::State& state, double flops, Isa isa, F run) {
  report_flops(state, flops, fastest(state, run), isa);
}

void bench_conv(benchmark::State& state, ConvLayer layer, ConvConfig config, Isa isa) {
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
void bench_winograd(benchmark::State& state, ConvLayer layer, WinogradConfig config, Isa isa) {
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

void register_winograd(const ConvLayer& layer, Isa isa, bool every) {
  const ConvProblem p = make_problem(layer);
  if (!winograd_can_run(p)) return;
  for (const WinogradConfig& c :
       every ? every_winograd(isa) : winograd_candidates(p, isa, kBenchL2Bytes)) {
    const std::string name =
        fmt::format("winograd/{}/{}/{}", bench_isa_name(isa), layer.name, name_of(c));
    benchmark::RegisterBenchmark(name.c_str(), bench_winograd, layer, c, isa)
        ->Unit(benchmark::kMicrosecond);
  }
}

void register_all(bool every) {
  for (Isa isa : bench_isas()) {
    for (const ConvLayer& layer : kConvLayers) {
      const ConvProblem p = make_problem(layer);
      for (const ConvConfig& c : every ? every_config(isa) : candidates(p, isa, kBenchL2Bytes)) {
        const std::string name =
            fmt::format("conv/{}/{}/{}", bench_isa_name(isa), layer.name, name_of(c));
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

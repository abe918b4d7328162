#include "bench_util.h"
#include "fmt/format.h"
#include "kernel_bench.h"
#include "kernels/cpu/gemm.h"
#include "shapes.h"

namespace hone::cpu {
namespace {

constexpr int64_t kFewRows = 4;  // up to here the weights' bytes are what counts

void bench_gemm(benchmark::State& state, GemmShape s, ConvConfig config, Isa isa) {
  const GemmProblem p{.m = s.m, .n = s.n, .k = s.k, .lda = s.k, .ldc = s.n};
  const Floats a = random_floats(s.m * s.k), c = random_floats(s.m * s.n),
               bias = random_floats(s.n);
  const Floats packed = random_floats(packed_b_bytes(p, config, isa) / 4);
  const Conv gemm = prepare_gemm(p, config, isa);
  ConvPointers at;
  at.input = a.get(), at.packed = packed.get(), at.bias = bias.get(), at.output = c.get();
  const double best = fastest(state, [&] { run_conv(gemm, at, 0, gemm.items); });
  const auto products = static_cast<double>(s.n * s.k);
  if (s.m > kFewRows)
    return report_flops(state, 2 * products * static_cast<double>(s.m), best, isa);
  report_bytes(state, 4 * products, best);
}

}  // namespace

void register_gemm() {
  for (Isa isa : bench_isas()) {
    for (const GemmShape& s : kGemmShapes) {
      const GemmProblem p{.m = s.m, .n = s.n, .k = s.k, .lda = s.k, .ldc = s.n};
      for (const ConvConfig& c : candidates(p, isa, kBenchL2Bytes)) {
        const std::string name =
            fmt::format("gemm/{}/{}/{}", bench_isa_name(isa), name_of(s), name_of(c));
        benchmark::RegisterBenchmark(name.c_str(), bench_gemm, s, c, isa)
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace hone::cpu

#include "bench_util.h"
#include "fmt/format.h"
#include "kernel_bench.h"
#include "kernels/cpu/depthwise.h"
#include "shapes.h"

namespace hone::cpu {
namespace {

DepthwiseProblem problem_of(const DepthwiseShape& s) {
  DepthwiseProblem p;
  p.in_h = p.in_w = s.size, p.channels = s.channels;
  p.kernel_h = p.kernel_w = s.kernel, p.stride_h = p.stride_w = s.stride;
  p.pad_top = p.pad_left = s.kernel / 2;
  p.out_h = p.out_w = out_size(s.size, s.kernel, s.stride);
  p.in_strides[2] = p.out_strides[2] = s.channels;
  p.in_strides[1] = s.size * s.channels, p.in_strides[0] = s.size * p.in_strides[1];
  p.out_strides[1] = p.out_w * s.channels, p.out_strides[0] = p.out_h * p.out_strides[1];
  return p;
}

void bench_depthwise(benchmark::State& state, DepthwiseShape s, Isa isa) {
  const DepthwiseProblem p = problem_of(s);
  const Floats in = random_floats(p.in_strides[0]), out = random_floats(p.out_strides[0]);
  const Floats packed = random_floats(packed_depthwise_floats(p, isa));
  const Floats bias = random_floats(s.channels);
  DepthwisePointers at;
  at.input = in.get(), at.packed = packed.get(), at.bias = bias.get(), at.output = out.get();
  at.lo = 0, at.hi = 6;
  const DepthwiseRun run = depthwise_kernel(isa);
  const double best = fastest(state, [&] { run(p, at, 0, depthwise_items(p)); });
  report_flops(state, 2.0 * static_cast<double>(p.out_strides[0] * s.kernel * s.kernel), best, isa);
}

}  // namespace

void register_depthwise() {
  for (Isa isa : bench_isas()) {
    for (const DepthwiseShape& s : kDepthwiseShapes) {
      const std::string name = fmt::format("depthwise/{}/{}", bench_isa_name(isa), name_of(s));
      benchmark::RegisterBenchmark(name.c_str(), bench_depthwise, s, isa)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace hone::cpu

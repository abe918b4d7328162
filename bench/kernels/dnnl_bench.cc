// oneDNN on the layers of conv_bench and kernel_bench, one thread, in the storage it likes best.
//
//   OMP_NUM_THREADS=1 dnnl_bench [--benchmark_filter=REGEX]
//
// Built where oneDNN is installed. Counters: see bench_util.h. Weights and activations are in
// oneDNN's own layouts before the clock starts, bias and ReLU are part of the layer.
#include <benchmark/benchmark.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

#include "bench_util.h"
#include "fmt/format.h"
#include "shapes.h"

namespace {

using namespace hone::cpu;
using Dims = dnnl::memory::dims;
constexpr auto kF32 = dnnl::memory::data_type::f32;

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc any_layout(const Dims& dims) {
  return {dims, kF32, dnnl::memory::format_tag::any};
}

dnnl::primitive_attr relu() {
  dnnl::post_ops ops;
  ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0, 0);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  return attributes;
}

dnnl::memory filled(const dnnl::memory::desc& desc) {
  dnnl::memory memory(desc, cpu_engine());
  std::fill_n(static_cast<float*>(memory.get_data_handle()), desc.get_size() / 4, 0.01f);
  return memory;
}

// The widest vectors here are what oneDNN uses.
Isa widest() { return bench_isas().back(); }

void run(benchmark::State& state, const dnnl::primitive& primitive,
         const std::unordered_map<int, dnnl::memory>& arguments, double flops) {
  dnnl::stream stream(cpu_engine());
  const double best = fastest(state, [&] {
    primitive.execute(stream, arguments);
    stream.wait();
  });
  report_flops(state, flops, best, widest());
}

// `groups` = channels: depthwise.
void bench_conv(benchmark::State& state, ConvLayer s, int64_t groups) {
  const int64_t out = out_size(s.size, s.kernel, s.stride), pad = s.kernel / 2;
  const Dims weights = groups == 1 ? Dims{s.out_c, s.in_c, s.kernel, s.kernel}
                                   : Dims{groups, 1, 1, s.kernel, s.kernel};
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      any_layout({1, s.in_c, s.size, s.size}), any_layout(weights), any_layout({s.out_c}),
      any_layout({1, s.out_c, out, out}), {s.stride, s.stride}, {pad, pad}, {pad, pad});
  const dnnl::convolution_forward::primitive_desc chosen(desc, relu(), cpu_engine());
  run(state, dnnl::convolution_forward(chosen),
      {{DNNL_ARG_SRC, filled(chosen.src_desc())},
       {DNNL_ARG_WEIGHTS, filled(chosen.weights_desc())},
       {DNNL_ARG_BIAS, filled(chosen.bias_desc())},
       {DNNL_ARG_DST, filled(chosen.dst_desc())}},
      2.0 * static_cast<double>(out * out * s.out_c * s.in_c / groups * s.kernel * s.kernel));
}

void bench_gemm(benchmark::State& state, GemmShape s) {
  const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference,
                                               any_layout({s.m, s.k}), any_layout({s.n, s.k}),
                                               any_layout({s.n}), any_layout({s.m, s.n}));
  const dnnl::inner_product_forward::primitive_desc chosen(desc, cpu_engine());
  run(state, dnnl::inner_product_forward(chosen),
      {{DNNL_ARG_SRC, filled(chosen.src_desc())},
       {DNNL_ARG_WEIGHTS, filled(chosen.weights_desc())},
       {DNNL_ARG_BIAS, filled(chosen.bias_desc())},
       {DNNL_ARG_DST, filled(chosen.dst_desc())}},
      2.0 * static_cast<double>(s.m * s.n * s.k));
}

void register_all() {
  for (const ConvLayer& s : kConvLayers) {
    benchmark::RegisterBenchmark(fmt::format("dnnl/conv/{}", s.name).c_str(), bench_conv, s, 1)
        ->Unit(benchmark::kMicrosecond);
  }
  for (const DepthwiseShape& s : kDepthwiseShapes) {
    const ConvLayer layer{"", s.size, s.channels, s.channels, s.kernel, s.stride};
    benchmark::RegisterBenchmark(fmt::format("dnnl/depthwise/{}", name_of(s)).c_str(), bench_conv,
                                 layer, s.channels)
        ->Unit(benchmark::kMicrosecond);
  }
  for (const GemmShape& s : kGemmShapes) {
    benchmark::RegisterBenchmark(fmt::format("dnnl/gemm/{}", name_of(s)).c_str(), bench_gemm, s)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

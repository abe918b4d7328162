// Speed of the kernels beside convolution (conv_bench) and recurrence (recurrent_bench), one
// thread.
//
//   kernel_bench [--benchmark_filter=REGEX]
//
// Counters: see bench_util.h. Pin it: taskset -c 0 kernel_bench.
#include "kernel_bench.h"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
  hone::cpu::register_gemm();
  hone::cpu::register_depthwise();
  hone::cpu::register_rows();
  hone::cpu::register_attention();
  hone::cpu::register_pointwise();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

#include <string>

#include "bench_util.h"
#include "fmt/format.h"
#include "kernel_bench.h"
#include "kernels/cpu/pointwise.h"

namespace hone::cpu {
namespace {

PointwiseProgram with_inputs(int inputs) {
  PointwiseProgram program;
  program.num_inputs = static_cast<uint8_t>(inputs);
  return program;
}

PointwiseProgram single(PointwiseFn fn) {
  PointwiseProgram program = with_inputs(pointwise_arity(fn));
  program.add(fn, 0, pointwise_arity(fn) > 1 ? 1 : -1);
  return program;
}

PointwiseProgram silu() {
  PointwiseProgram program = with_inputs(1);
  program.add(PointwiseFn::kMul, 0, program.add(PointwiseFn::kSigmoid, 0));
  return program;
}

// (x * scale + shift + residual), clipped: what a batch normalization that cannot be folded leaves.
PointwiseProgram affine() {
  PointwiseProgram program = with_inputs(4);
  const int scaled = program.add(PointwiseFn::kMul, 0, 1);
  const int shifted = program.add(PointwiseFn::kAdd, scaled, 2);
  program.add(PointwiseFn::kRelu, program.add(PointwiseFn::kAdd, shifted, 3));
  return program;
}

void bench_pointwise(benchmark::State& state, PointwiseProgram program, int64_t rows, Isa isa) {
  constexpr int64_t kColumns = 768;
  const int64_t count = rows * kColumns;
  const Floats out = random_floats(count);
  Floats inputs[4];
  PointwiseOperand operands[4];
  for (int i = 0; i < program.num_inputs; i++) {
    inputs[i] = random_floats(count);
    operands[i] = {inputs[i].get(), kColumns, 1};
  }
  const PointwiseRun run = pointwise_kernel(isa);
  const double best =
      fastest(state, [&] { run(program, rows, kColumns, out.get(), kColumns, operands); });
  report_bytes(state, 4.0 * static_cast<double>((program.num_inputs + 1) * count), best);
  state.counters["Gelement/s"] = static_cast<double>(count) / best / 1e9;
}

}  // namespace

void register_pointwise() {
  const std::pair<const char*, PointwiseProgram> programs[] = {
      {"relu", single(PointwiseFn::kRelu)},
      {"add", single(PointwiseFn::kAdd)},
      {"exp", single(PointwiseFn::kExp)},
      {"erf", single(PointwiseFn::kErf)},
      {"tanh", single(PointwiseFn::kTanh)},
      {"sigmoid", single(PointwiseFn::kSigmoid)},
      {"silu", silu()},
      {"gelu", single(PointwiseFn::kGelu)},
      {"affine_relu", affine()},
  };
  for (Isa isa : bench_isas()) {
    for (const auto& [title, program] : programs) {
      // In the L2 cache, and from beyond it.
      for (int64_t rows : {16, 1024}) {
        const std::string name =
            fmt::format("pointwise/{}/{}_{}x768", bench_isa_name(isa), title, rows);
        benchmark::RegisterBenchmark(name.c_str(), bench_pointwise, program, rows, isa)
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace hone::cpu

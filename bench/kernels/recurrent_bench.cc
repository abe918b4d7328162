// Speed of one step of LSTM, GRU and RNN on one thread: what a long sequence costs per step beside
// the projection of its input.
//
//   recurrent_bench [--benchmark_filter=REGEX]
//
// Counters: see bench_util.h. Up to three rows the share is of memcpy's bytes, for the recurrent
// weights are what bounds such a step. Pin it: taskset -c 0 recurrent_bench.
#include <benchmark/benchmark.h>

#include <string>

#include "bench_util.h"
#include "fmt/format.h"
#include "kernels/cpu/recurrent.h"

namespace {

using namespace hone::cpu;

// Small values: the state shall not run away over millions of steps.
Floats small_floats(int64_t count) {
  Floats floats = random_floats(count);
  for (int64_t i = 0; i < count; i++) floats.get()[i] /= 64;
  return floats;
}

void bench_step(benchmark::State& state, RecurrentProblem p, Isa isa) {
  const int lanes = recurrent_lanes(isa);
  const int64_t columns = recurrent_columns(p, lanes), states = p.batch * padded_units(p, lanes);
  const Floats weights = small_floats(columns * p.hidden);
  const Floats projected = small_floats(columns * p.batch);
  const Floats bias = small_floats(states);
  Floats buffers[6];
  for (Floats& buffer : buffers) buffer = small_floats(states);
  RecurrentStep s;
  s.weights = weights.get(), s.projected = projected.get(), s.projected_stride = columns;
  s.hidden_bias = bias.get();
  s.h = buffers[0].get(), s.h_next = buffers[1].get(), s.c = buffers[2].get();
  s.update = buffers[3].get(), s.reset_state = buffers[4].get(), s.y = buffers[5].get();
  s.y_stride = p.hidden;
  const RecurrentRun run = recurrent_kernel(isa);
  const double best = fastest(state, [&] {
    for (int phase = 0; phase < recurrent_phases(p.cell); phase++) {
      run(p, s, phase, 0, recurrent_phase(p, phase, lanes).panels);
    }
  });
  const auto products = static_cast<double>(columns * p.hidden);
  report_flops(state, 2 * products * static_cast<double>(p.batch), best, isa);
  // Of few rows the weights' bytes are what counts.
  if (p.batch <= 3) report_bytes(state, 4 * products, best);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr const char* kCells[] = {"rnn", "gru", "gru_linear", "lstm"};
  for (Isa isa : bench_isas()) {
    for (int cell = 0; cell < 4; cell++) {
      for (int64_t hidden : {64, 256, 512, 1024}) {
        for (int64_t batch : {1, 2, 3, 8, 64}) {
          RecurrentProblem p;
          p.cell = static_cast<RecurrentCell>(cell);
          p.hidden = hidden, p.batch = batch;
          const std::string name = fmt::format("recurrent/{}/{}/{}/batch{}", bench_isa_name(isa),
                                               kCells[cell], hidden, batch);
          benchmark::RegisterBenchmark(name.c_str(), bench_step, p, isa)
              ->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

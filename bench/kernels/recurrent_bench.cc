// Speed of one step of LSTM, GRU and RNN on one thread: what a long sequence costs per step beside
// the projection of its input.
//
//   recurrent_bench [--benchmark_filter=REGEX]
//
// Counters, from the fastest iteration: GFLOP/s, and GB/s of recurrent weights, which is what
// bounds a step at small batch. Pin it: taskset -c 0 recurrent_bench.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include "fmt/format.h"
#include "kernels/cpu/recurrent.h"

namespace {

using namespace hone::cpu;
using Clock = std::chrono::steady_clock;

struct Free {
  void operator()(float* p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, Free>;

// 2 MiB alignment: huge pages where the system grants them, the same layout in every run.
Floats small_floats(int64_t count) {
  const size_t bytes = (static_cast<size_t>(count) * 4 + (2 << 20)) >> 21 << 21;
  Floats floats(static_cast<float*>(std::aligned_alloc(2 << 20, bytes)));
  for (int64_t i = 0; i < count; i++) floats.get()[i] = static_cast<float>(i % 17 - 8) / 256;
  return floats;
}

template <class F>
double fastest(benchmark::State& state, F run) {
  double best = 1e9;
  for (auto _ : state) {
    const auto start = Clock::now();
    run();
    benchmark::ClobberMemory();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
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
  state.counters["min_us"] = best * 1e6;
  state.counters["GFLOP/s"] = 2 * products * static_cast<double>(p.batch) / best / 1e9;
  state.counters["GB/s"] = 4 * products / best / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr const char* kCells[] = {"rnn", "gru", "gru_linear", "lstm"};
  for (Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (!cpu_has(isa)) continue;
    for (int cell = 0; cell < 4; cell++) {
      for (int64_t hidden : {64, 256, 512, 1024}) {
        for (int64_t batch : {1, 2, 3, 8, 64}) {
          RecurrentProblem p;
          p.cell = static_cast<RecurrentCell>(cell);
          p.hidden = hidden, p.batch = batch;
          const std::string name =
              fmt::format("recurrent/{}/{}/{}/batch{}", isa == Isa::kAvx2 ? "avx2" : "avx512",
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

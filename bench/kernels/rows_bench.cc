// Kernels that go over their data once or a few times: what counts is bytes.
#include "bench_util.h"
#include "fmt/format.h"
#include "kernel_bench.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/normalize.h"
#include "kernels/cpu/pool.h"
#include "kernels/cpu/softmax.h"

namespace hone::cpu {
namespace {

double bytes_of(int64_t floats) { return 4.0 * static_cast<double>(floats); }

struct Rows {
  const char* name;
  int64_t rows, length;
};

void bench_softmax(benchmark::State& state, Rows s, Isa isa) {
  const Floats in = random_floats(s.rows * s.length), out = random_floats(s.rows * s.length);
  SoftmaxProblem p;
  p.outer = s.rows, p.axis = s.length;
  p.in_outer_stride = p.out_outer_stride = s.length;
  const SoftmaxRun run = softmax_kernel(isa);
  const double best = fastest(state, [&] { run(p, in.get(), out.get(), 0, softmax_items(p)); });
  report_bytes(state, bytes_of(2 * s.rows * s.length), best);
}

void bench_normalize(benchmark::State& state, Rows s, Isa isa) {
  const Floats in = random_floats(s.rows * s.length), out = random_floats(s.rows * s.length);
  const Floats scale = random_floats(s.length), bias = random_floats(s.length);
  const int64_t segment = 0;
  NormalizeProblem p;
  p.epsilon = 1e-6f, p.length = s.length, p.in_segments = p.out_segments = &segment;
  p.in_stride = p.out_stride = s.length;
  const NormalizeRun run = normalize_kernel(isa);
  const double best =
      fastest(state, [&] { run(p, in.get(), out.get(), scale.get(), bias.get(), 0, s.rows); });
  report_bytes(state, bytes_of(2 * s.rows * s.length), best);
}

struct Window {
  const char* name;
  int64_t size, channels, kernel, stride, pad;
  bool average;
};

void bench_pool(benchmark::State& state, Window s, Isa isa) {
  PoolProblem p;
  p.channels = s.channels;
  const int64_t out = (s.size + 2 * s.pad - s.kernel) / s.stride + 1;
  for (int axis : {1, 2}) {
    p.in[axis] = s.size, p.out[axis] = out, p.kernel[axis] = s.kernel, p.stride[axis] = s.stride;
    p.pad_before[axis] = p.pad_after[axis] = s.pad;
  }
  p.in_strides[3] = p.out_strides[3] = s.channels;
  p.in_strides[2] = s.size * s.channels, p.out_strides[2] = out * s.channels;
  p.in_strides[0] = p.in_strides[1] = s.size * p.in_strides[2];
  p.out_strides[0] = p.out_strides[1] = out * p.out_strides[2];
  const Floats from = random_floats(p.in_strides[0]), to = random_floats(p.out_strides[0]);
  const PoolRun run = s.average ? average_pool_kernel(isa) : max_pool_kernel(isa);
  const double best = fastest(state, [&] { run(p, from.get(), to.get(), 0, pool_items(p)); });
  report_bytes(state, bytes_of(p.in_strides[0] + p.out_strides[0]), best);
}

// Rows of 64 floats from tables of 200,000: DLRM's look-ups, the table far larger than the caches.
void bench_lookup(benchmark::State& state, int64_t count) {
  constexpr int64_t kTable = 200000, kWidth = 64;
  const Floats table = random_floats(kTable * kWidth), out = random_floats(count * kWidth);
  // Other rows in each iteration.
  std::vector<std::vector<int32_t>> indices(32, std::vector<int32_t>(static_cast<size_t>(count)));
  std::mt19937 rng(2);
  for (auto& some : indices) {
    for (int32_t& index : some) index = static_cast<int32_t>(rng() % kTable);
  }
  size_t turn = 0;
  const double best = fastest(state, [&] {
    gather_rows(kWidth * 4, count, out.get(), kWidth * 4, table.get(), kWidth * 4,
                indices[turn++ % indices.size()].data());
  });
  report_bytes(state, bytes_of(2 * count * kWidth), best);
}

template <class Shape>
void add(const char* family, const char* name, Isa isa, void (*run)(benchmark::State&, Shape, Isa),
         const Shape& shape) {
  const std::string full = fmt::format("{}/{}/{}", family, bench_isa_name(isa), name);
  benchmark::RegisterBenchmark(full.c_str(), run, shape, isa)->Unit(benchmark::kMicrosecond);
}

}  // namespace

void register_rows() {
  for (Isa isa : bench_isas()) {
    for (const Rows& s :
         {Rows{"1x1000", 1, 1000}, {"1536x128", 1536, 128}, {"4608x384", 4608, 384}})
      add("softmax", s.name, isa, bench_softmax, s);
    for (const Rows& s :
         {Rows{"128x384", 128, 384}, {"128x768", 128, 768}, {"3072x768", 3072, 768}})
      add("layer_norm", s.name, isa, bench_normalize, s);
    for (const Window& s : {Window{"max3x3s2_64@112", 112, 64, 3, 2, 1, false},
                            {"max2x2s2_16@256", 256, 16, 2, 2, 0, false},
                            {"average3x3_192@35", 35, 192, 3, 1, 1, true}})
      add("pool", s.name, isa, bench_pool, s);
  }
  for (int64_t count : {26, 26 * 64, 26 * 2048}) {
    const std::string name = fmt::format("lookup/any/{}x64", count);
    benchmark::RegisterBenchmark(name.c_str(), bench_lookup, count)->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace hone::cpu

#include "bench_util.h"
#include "fmt/format.h"
#include "kernel_bench.h"
#include "kernels/cpu/attention.h"

namespace hone::cpu {
namespace {

// One head: packing of keys and values, and all blocks of queries.
void bench_attention(benchmark::State& state, int64_t tokens, int64_t size, Isa isa) {
  AttentionProblem p;
  p.query_tokens = p.key_tokens = tokens;
  p.size = p.value_size = size;
  p.query_stride = p.key_stride = p.value_stride = p.output_stride = size;
  p.scale = 0.125f;
  const Attention attention = prepare_attention(p, isa);
  const Floats query = random_floats(tokens * size), key = random_floats(tokens * size);
  const Floats value = random_floats(tokens * size), output = random_floats(tokens * size);
  const Floats packed = random_floats(attention.packed_floats);
  const Floats scratch = random_floats(attention.scratch_floats);
  const double best = fastest(state, [&] {
    pack_attention(attention, key.get(), value.get(), packed.get());
    attend(attention, query.get(), packed.get(), nullptr, output.get(), scratch.get(), 0,
           attention.blocks);
  });
  report_flops(state, 4.0 * static_cast<double>(tokens * tokens * size), best, isa);
}

}  // namespace

void register_attention() {
  for (Isa isa : bench_isas()) {
    for (const auto& [tokens, size] : {std::pair{128, 32}, {128, 64}, {384, 64}, {1024, 64}}) {
      const std::string name =
          fmt::format("attention/{}/{}tokens_{}", bench_isa_name(isa), tokens, size);
      benchmark::RegisterBenchmark(name.c_str(), bench_attention, tokens, size, isa)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace hone::cpu

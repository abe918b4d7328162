#include "kernels/cpu/gemm.h"

#include <array>

#include "kernels/cpu/conv_test_util.h"

namespace hone::cpu {
namespace {

// C = A * B for both layouts of B, packed once or on the fly, against sums in double.
void check_gemm(int64_t m, int64_t n, int64_t k, Isa isa, const ConvConfig& config,
                std::mt19937& rng) {
  GemmProblem p{m, n, k, k + 3, n + 2};
  Guarded a((m - 1) * p.lda + k, Guarded::kEnd), b(k * n, Guarded::kEnd),
      bt(k * n, Guarded::kStart);
  Guarded c((m - 1) * p.ldc + n, Guarded::kEnd), bias(n, Guarded::kEnd);
  Guarded packed(packed_b_bytes(p, config, isa) / 4, Guarded::kEnd);
  a.randomize(rng), b.randomize(rng), bias.randomize(rng);
  for (int64_t i = 0; i < k; i++) {
    for (int64_t j = 0; j < n; j++) bt.data()[j * k + i] = b.data()[i * n + j];
  }
  const Conv gemm = prepare_gemm(p, config, isa);
  ConvPointers at;
  at.input = a.data(), at.bias = bias.data(), at.output = c.data();
  const auto check = [&](const char* what) {
    int errors = 0;
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) {
        double sum = bias.data()[j], size = std::fabs(sum);
        for (int64_t x = 0; x < k; x++) {
          const double term = static_cast<double>(a.data()[i * p.lda + x]) * b.data()[x * n + j];
          sum += term, size += std::fabs(term);
        }
        const float got = c.data()[i * p.ldc + j];
        if (std::fabs(got - sum) > (k + 1) * std::ldexp(1.01, -24) * size && ++errors < 4) {
          ADD_FAILURE() << fmt::format("{} {}x{}x{} isa {} {}: [{},{}] is {}, not {}", what, m, n,
                                       k, static_cast<int>(isa), describe(config), i, j, got, sum);
        }
      }
    }
    std::fill_n(c.data(), c.size(), NAN);
  };
  pack_b(p, config, isa, b.data(), {n, false}, packed.data());
  at.packed = packed.data();
  run_conv(gemm, at, 0, gemm.items);
  check("packed");
  multiply(gemm, at, b.data(), {n, false}, packed.data());
  check("[K][N]");
  multiply(gemm, at, bt.data(), {k, true}, packed.data());
  check("[N][K]");
}

TEST(GemmTest, Shapes) {
  std::mt19937 rng(11);
  for (Isa isa : testable_isas()) {
    for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                                  {1, 1000, 64},
                                  {2, 17, 300},
                                  {3, 33, 5},
                                  {4, 8, 1},
                                  {50, 48, 31},
                                  {130, 24, 40},
                                  {257, 7, 9}}) {
      for (const ConvConfig& config :
           candidates(GemmProblem{m, n, k, k + 3, n + 2}, isa, 512 << 10)) {
        check_gemm(m, n, k, isa, config, rng);
      }
    }
  }
}

TEST(GemmTest, Random) {
  std::mt19937 rng(test_seed());
  const auto isas = testable_isas();
  for (int round = 0; round < 20; round++) {
    const int64_t m = rng() % 40 + 1, n = rng() % 70 + 1, k = rng() % 60 + 1;
    for (Isa isa : isas) {
      const auto configs = candidates(GemmProblem{m, n, k, k + 3, n + 2}, isa, 512 << 10);
      check_gemm(m, n, k, isa, configs[rng() % configs.size()], rng);
    }
  }
}

}  // namespace
}  // namespace hone::cpu

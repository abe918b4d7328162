#include "kernels/cpu/reduce.h"

#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

constexpr double kEps = 6e-8;  // half a unit in the last place

// Result in double precision and a bound of the rounding error.
double reference(const ReduceProblem& p, const float* in, double* bound) {
  const double n = static_cast<double>(p.reduce0 * p.reduce1);
  // Roundings on the way of one element: a block of 64 (times up to 4 lines' ends), the levels.
  const double depth = std::fmin(n, 64 + 2) + std::log2(n + 1) + 8;
  double sum = 0, absolute = 0, squares = 0, product = 1;
  double largest = -INFINITY, smallest = INFINITY;
  for (int64_t r = 0; r < p.reduce0; ++r) {
    for (int64_t k = 0; k < p.reduce1; ++k) {
      const double x = in[r * p.reduce0_stride + k * p.reduce1_stride];
      sum += x;
      absolute += std::fabs(x);
      squares += x * x;
      product *= x;
      largest = std::isnan(x) || std::isnan(largest) ? NAN : std::fmax(largest, x);
      smallest = std::isnan(x) || std::isnan(smallest) ? NAN : std::fmin(smallest, x);
    }
  }
  *bound = 0;
  switch (p.fn) {
    case ReduceFn::kSum:
      *bound = depth * kEps * absolute;
      return sum;
    case ReduceFn::kMean:
      *bound = (depth + 1) * kEps * absolute / n;
      return sum / n;
    case ReduceFn::kSumSquare:
      *bound = depth * kEps * squares;
      return squares;
    case ReduceFn::kL2:
      *bound = (depth + 1) * kEps * std::sqrt(squares);
      return std::sqrt(squares);
    case ReduceFn::kL1:
      *bound = depth * kEps * absolute;
      return absolute;
    // Every factor is rounded in, in whatever tree.
    case ReduceFn::kProd:
      *bound = (n + 8) * kEps * std::fabs(product) + 1e-37;
      return product;
    case ReduceFn::kMax:
      return largest;
    case ReduceFn::kMin:
      return smallest;
  }
  return 0;
}

void check(Random& random, Isa isa) {
  ReduceProblem p;
  p.fn = static_cast<ReduceFn>(below(random, 8));
  p.outer = 1 + below(random, 4);
  p.inner = random() % 2 ? 1 : 1 + below(random, random() % 2 ? 20 : 150);
  p.reduce0 = 1 + below(random, random() % 2 ? 1 : 12);
  p.reduce1 = 1 + below(random, random() % 4 ? 60 : p.inner == 1 ? 9000 : 500);
  p.reduce1_stride = p.inner + (random() % 3 == 0 ? below(random, 3) : 0);
  p.reduce0_stride = p.reduce1 * p.reduce1_stride + below(random, 3);
  p.outer_stride = p.reduce0 * p.reduce0_stride + below(random, 3);
  p.out_outer_stride = p.inner + below(random, 3);
  const bool at_end = random() % 2;
  GuardedBuffer<float> in((p.outer - 1) * p.outer_stride + (p.reduce0 - 1) * p.reduce0_stride +
                              (p.reduce1 - 1) * p.reduce1_stride + p.inner,
                          at_end);
  GuardedBuffer<float> out((p.outer - 1) * p.out_outer_stride + p.inner, at_end);
  const bool product = p.fn == ReduceFn::kProd;
  const bool nans = random() % 4 == 0;
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < in.size(); ++i) {
    in[i] = product ? 1 + 0.1f * std::sin(normal(random)) : normal(random);
    if (nans && random() % 500 == 0) in[i] = NAN;
  }
  for (int64_t i = 0; i < out.size(); ++i) out[i] = 77;
  const int64_t items = reduce_items(p), cut = items / 2;
  reduce_kernel(isa)(p, in.data(), out.data(), cut, items);
  reduce_kernel(isa)(p, in.data(), out.data(), 0, cut);
  for (int64_t o = 0; o < p.outer; ++o) {
    for (int64_t i = 0; i < p.out_outer_stride && o * p.out_outer_stride + i < out.size(); ++i) {
      const float got = out[o * p.out_outer_stride + i];
      if (i >= p.inner) {
        ASSERT_EQ(got, 77) << "wrote into a gap";
        continue;
      }
      double bound;
      const double want = reference(p, in.data() + o * p.outer_stride + i, &bound);
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(got)) << static_cast<int>(p.fn);
      } else {
        ASSERT_NEAR(got, want, bound) << isa_name(isa) << " fn " << static_cast<int>(p.fn) << " n "
                                      << p.reduce0 << "x" << p.reduce1 << " inner " << p.inner;
      }
    }
  }
}

TEST(Reduce, RandomProblemsAgreeWithReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 300; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

// A plain loop in FP32 is off by about 1e-3 here.
TEST(Reduce, LongSumsStayExact) {
  const std::vector<float> ones(1 << 22, 0.1f);
  ReduceProblem p;
  p.reduce1 = 1 << 22;
  p.reduce1_stride = 1;
  for (const Isa isa : testable_isas()) {
    float out = 0;
    reduce_kernel(isa)(p, ones.data(), &out, 0, 1);
    EXPECT_NEAR(out / (0.1f * static_cast<float>(p.reduce1)), 1, 5e-6) << isa_name(isa);
  }
}

TEST(Reduce, NothingToReduce) {
  const float expected[] = {0, NAN, 0, 0, 0, 1, -INFINITY, INFINITY};
  for (const Isa isa : testable_isas()) {
    for (int fn = 0; fn < 8; ++fn) {
      ReduceProblem p;
      p.fn = static_cast<ReduceFn>(fn);
      p.reduce1 = 0;
      p.reduce1_stride = 1;
      float out = 77;
      reduce_kernel(isa)(p, nullptr, &out, 0, 1);
      EXPECT_TRUE(std::isnan(expected[fn]) ? std::isnan(out) : out == expected[fn]) << fn;
    }
  }
}

}  // namespace
}  // namespace hone::cpu

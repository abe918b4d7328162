#include "kernels/cpu/normalize.h"

#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

// A random problem with its data between guard pages.
struct Case {
  NormalizeProblem p;
  int64_t rows;
  std::vector<int64_t> in_segments, out_segments;
  bool in_place, scaled, biased;
  std::vector<float> offset;  // of each row: far from 0, sums of squares would cancel
};

Case random_case(Random& random) {
  Case c;
  c.rows = 1 + below(random, 4);
  c.p.centred = random() % 3 != 0;
  c.p.epsilon = random() % 2 ? 1e-5f : 1e-12f;
  c.p.segments = random() % 2 ? 1 : 1 + below(random, 5);
  c.p.length = 1 + below(random, random() % 2 ? 40 : 3000);
  c.in_place = random() % 3 == 0;
  const int64_t gap = below(random, 3), out_gap = c.in_place ? gap : below(random, 3);
  for (int64_t s = 0; s < c.p.segments; ++s) {
    c.in_segments.push_back(s * (c.p.length + gap));
    c.out_segments.push_back(s * (c.p.length + out_gap));
  }
  c.p.in_stride = c.p.segments * (c.p.length + gap) + below(random, 3);
  c.p.out_stride =
      c.in_place ? c.p.in_stride : c.p.segments * (c.p.length + out_gap) + below(random, 3);
  c.scaled = random() % 4 != 0;
  c.biased = c.scaled && random() % 3 != 0;
  for (int64_t r = 0; r < c.rows; ++r) {
    c.offset.push_back(random() % 3 ? 0.0f : 100.0f * static_cast<float>(below(random, 10)));
  }
  return c;
}

// Mean, deviation and result in double, and what FP32 may be away from it: the mean by the error of
// a pairwise sum, less than 90 roundings (4 accumulators, blocks of 64) of the largest element; the
// squares by twice that for each difference and 90 roundings of the sum; each step of the result by
// one.
void check_row(const Case& c, const float* x, const float* scale, const float* bias, const float* y,
               Isa isa) {
  const NormalizeProblem& p = c.p;
  const auto at = [&](int64_t i) {
    return static_cast<double>(x[c.in_segments[i / p.length] + i % p.length]);
  };
  const int64_t count = p.segments * p.length;
  double mean = 0, squares = 0, largest = 0;
  for (int64_t i = 0; i < count; ++i) mean += at(i) / static_cast<double>(count);
  if (!p.centred) mean = 0;
  for (int64_t i = 0; i < count; ++i) {
    squares += (at(i) - mean) * (at(i) - mean) / static_cast<double>(count);
    largest = std::max(largest, std::fabs(at(i)));
  }
  const double deviation = std::sqrt(squares + p.epsilon), ulp = std::ldexp(1.0, -24);
  const double mean_error = p.centred ? 90 * ulp * largest : 0;
  // d sqrt(v) = dv / (2 sqrt v); a wrong centre adds its square only.
  const double relative = 100 * ulp + mean_error * mean_error / (deviation * deviation);
  for (int64_t i = 0; i < count; ++i) {
    const double factor = scale ? scale[i] : 1.0, shift = bias ? bias[i] : 0.0;
    const double plain = (at(i) - mean) / deviation;
    const double want = plain * factor + shift;
    const double bound = std::fabs(factor) * (mean_error / deviation + relative * std::fabs(plain) +
                                              ulp * std::fabs(at(i)) / deviation) +
                         4 * ulp * (std::fabs(want) + std::fabs(shift)) + 1e-30;
    ASSERT_NEAR(y[c.out_segments[i / p.length] + i % p.length], want, bound)
        << isa_name(isa) << " at " << i << " of " << count << " segments " << p.segments
        << " centred " << p.centred << " in place " << c.in_place;
  }
}

void check(Random& random, Isa isa) {
  Case c = random_case(random);
  NormalizeProblem& p = c.p;
  p.in_segments = c.in_segments.data();
  p.out_segments = c.out_segments.data();
  const bool at_end = random() % 2;
  const int64_t count = p.segments * p.length;
  GuardedBuffer<float> in((c.rows - 1) * p.in_stride + c.in_segments.back() + p.length, at_end);
  GuardedBuffer<float> out((c.rows - 1) * p.out_stride + c.out_segments.back() + p.length, at_end);
  GuardedBuffer<float> scale(count, at_end), bias(count, at_end);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < in.size(); ++i) {
    in[i] = normal(random) + c.offset[std::min(i / p.in_stride, c.rows - 1)];
  }
  for (int64_t i = 0; i < out.size(); ++i) out[i] = 77;
  for (int64_t i = 0; i < count; ++i) scale[i] = normal(random), bias[i] = normal(random);
  const std::vector<float> input(in.data(), in.data() + in.size());
  float* result = c.in_place ? in.data() : out.data();
  const float* factor = c.scaled ? scale.data() : nullptr;
  const float* shift = c.biased ? bias.data() : nullptr;
  const int64_t cut = c.rows / 2;
  normalize_kernel(isa)(p, in.data(), result, factor, shift, cut, c.rows);
  normalize_kernel(isa)(p, in.data(), result, factor, shift, 0, cut);
  for (int64_t r = 0; r < c.rows; ++r) {
    check_row(c, input.data() + r * p.in_stride, factor, shift, result + r * p.out_stride, isa);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Normalize, RandomProblemsAgreeWithDoubles) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 300; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Normalize, ConstantRowsGiveTheBiasAndNanStaysInItsRow) {
  const int64_t zero = 0;
  NormalizeProblem p;
  p.epsilon = 1e-5f;
  p.length = 19;
  p.in_segments = p.out_segments = &zero;
  p.in_stride = p.out_stride = 19;
  for (const Isa isa : testable_isas()) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      std::vector<float> x(38, 3.0f), y(38), scale(19, 2.0f), bias(19, 0.5f);
      x[20] = bad;
      normalize_kernel(isa)(p, x.data(), y.data(), scale.data(), bias.data(), 0, 2);
      for (int i = 0; i < 19; ++i) {
        EXPECT_EQ(y[i], 0.5f);
        EXPECT_TRUE(std::isnan(y[19 + i])) << bad;
      }
    }
  }
}

}  // namespace
}  // namespace hone::cpu

#include "kernels/cpu/lrn.h"

#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

// Exact results of one row. `bound`: squares and their sum are rounded size + 2 times, which the
// power turns into at most beta times as much; the logarithm is off by 2 ulp, the product with
// beta by one rounding, and both are multiplied by the exponential, which is off by 2 ulp.
void expect_row(const LrnProblem& p, const float* in, const float* out) {
  for (int64_t c = 0; c < p.channels; ++c) {
    double squares = 0;
    for (int64_t i = c - p.before; i <= c + p.after; ++i) {
      if (i >= 0 && i < p.channels) squares += static_cast<double>(in[i]) * in[i];
    }
    const double base = p.bias + p.alpha * squares, power = -p.beta * std::log(base);
    const double want = in[c] * std::exp(power);
    const double window = static_cast<double>(p.before + p.after + 1);
    const double relative = 6e-8 * (p.beta * (window + 4) + 4 * std::fabs(power) + 6);
    ASSERT_NEAR(out[c], want, relative * std::fabs(want) + 1e-44) << "channel " << c;
  }
}

void check(Random& random, Isa isa) {
  LrnProblem p;
  p.channels = 1 + below(random, random() % 2 ? 40 : 700);
  const int64_t size = 1 + below(random, random() % 4 ? 9 : kMaxLrnWindow);
  p.before = (size - 1) / 2;
  p.after = size / 2;
  p.alpha = random() % 2 ? 2e-5f : 0.5f;
  p.beta = random() % 2 ? 0.75f : 0.25f + static_cast<float>(below(random, 4));
  p.bias = random() % 2 ? 1.0f : 2.5f;
  p.rows = 1 + below(random, 5);
  p.in_stride = p.channels + below(random, 3);
  p.out_stride = p.channels + below(random, 3);
  const bool at_end = random() % 2;
  GuardedBuffer<float> in((p.rows - 1) * p.in_stride + p.channels, at_end);
  GuardedBuffer<float> out((p.rows - 1) * p.out_stride + p.channels, at_end);
  std::normal_distribution<float> normal;
  const float scale = random() % 2 ? 1.0f : 100.0f;
  for (int64_t i = 0; i < in.size(); ++i) in[i] = normal(random) * scale;
  for (int64_t i = 0; i < out.size(); ++i) out[i] = 77;
  const int64_t cut = p.rows / 2;
  lrn_kernel(isa)(p, in.data(), out.data(), cut, p.rows);
  lrn_kernel(isa)(p, in.data(), out.data(), 0, cut);
  for (int64_t row = 0; row < p.rows; ++row) {
    SCOPED_TRACE(isa_name(isa));
    expect_row(p, in.data() + row * p.in_stride, out.data() + row * p.out_stride);
    for (int64_t i = p.channels; row + 1 < p.rows && i < p.out_stride; ++i) {
      ASSERT_EQ(out[row * p.out_stride + i], 77);
    }
  }
}

TEST(Lrn, RandomProblemsAgreeWithReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 200; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hone::cpu

#include "kernels/cpu/softmax.h"

#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

void check(Random& random, Isa isa) {
  SoftmaxProblem p;
  p.log = random() % 2;
  p.outer = 1 + below(random, 5);
  p.axis = 1 + below(random, random() % 2 ? 20 : 1200);
  p.inner = random() % 2 ? 1 : 1 + below(random, 90);
  p.in_axis_stride = p.inner + (random() % 3 == 0);
  p.out_axis_stride = p.inner + (random() % 3 == 0);
  p.in_outer_stride = p.axis * p.in_axis_stride + below(random, 3);
  p.out_outer_stride = p.axis * p.out_axis_stride + below(random, 3);
  const bool at_end = random() % 2, in_place = random() % 3 == 0;
  if (in_place) {
    p.out_axis_stride = p.in_axis_stride;
    p.out_outer_stride = p.in_outer_stride;
  }
  const auto size = [&](int64_t outer, int64_t axis) {
    return (p.outer - 1) * outer + (p.axis - 1) * axis + p.inner;
  };
  GuardedBuffer<float> in(size(p.in_outer_stride, p.in_axis_stride), at_end);
  GuardedBuffer<float> out(size(p.out_outer_stride, p.out_axis_stride), at_end);
  const float scale = random() % 2 ? 1.0f : 60.0f;  // both flat and peaked rows, far from overflow
  const float offset = random() % 2 ? 0.0f : 500.0f;
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < in.size(); ++i) {
    in[i] = random() % 50 == 0 ? -INFINITY : normal(random) * scale + offset;
  }
  for (int64_t i = 0; i < out.size(); ++i) out[i] = 77;
  const std::vector<float> input(in.data(), in.data() + in.size());
  float* result = in_place ? in.data() : out.data();
  const int64_t items = softmax_items(p), cut = items / 2;
  softmax_kernel(isa)(p, in.data(), result, cut, items);
  softmax_kernel(isa)(p, in.data(), result, 0, cut);
  for (int64_t o = 0; o < p.outer; ++o) {
    for (int64_t i = 0; i < p.inner; ++i) {
      const float* x = input.data() + o * p.in_outer_stride + i;
      double largest = -INFINITY, sum = 0;
      for (int64_t k = 0; k < p.axis; ++k) largest = std::fmax(largest, x[k * p.in_axis_stride]);
      for (int64_t k = 0; k < p.axis; ++k) sum += std::exp(x[k * p.in_axis_stride] - largest);
      for (int64_t k = 0; k < p.axis; ++k) {
        const double shifted = x[k * p.in_axis_stride] - largest;
        const double want = p.log ? shifted - std::log(sum) : std::exp(shifted) / sum;
        const float got = result[o * p.out_outer_stride + k * p.out_axis_stride + i];
        if (std::isnan(want)) {
          ASSERT_TRUE(std::isnan(got));
          continue;
        }
        if (std::isinf(want) || std::isinf(shifted)) {
          ASSERT_EQ(got, static_cast<float>(want));
          continue;
        }
        // x - largest is rounded once (|shifted| * 2^-24, which exp turns into a relative error),
        // exp 1.1 ulp, the sum up to 80 roundings of positive terms.
        const double relative = 6e-8 * (std::fabs(shifted) + 90);
        const double bound = p.log
                                 ? 6e-8 * std::fabs(shifted) * 2 + relative + 6e-8 * std::fabs(want)
                                 : relative * want + 3e-45;
        ASSERT_NEAR(got, want, bound) << isa_name(isa) << " log " << p.log << " axis " << p.axis
                                      << " inner " << p.inner << " in place " << in_place;
      }
    }
  }
}

TEST(Softmax, RandomProblemsAgreeWithReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 200; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Softmax, NanAndInfinityMakeTheRowNan) {
  for (const Isa isa : testable_isas()) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      SoftmaxProblem p;
      p.axis = 19;
      std::vector<float> row(19, bad == -INFINITY ? bad : 1.0f), out(19);
      row[18] = bad;
      softmax_kernel(isa)(p, row.data(), out.data(), 0, 1);
      for (const float y : out) EXPECT_TRUE(std::isnan(y)) << bad;
    }
  }
}

}  // namespace
}  // namespace hone::cpu

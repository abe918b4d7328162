#include "kernels/cpu/pool.h"

#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

// Sets strides with random gaps; returns the floats the tensor spans.
int64_t set_strides(Random& random, const int64_t* sizes, int64_t batch, int64_t channels,
                    int64_t* strides) {
  strides[3] = channels + below(random, 3);
  strides[2] = strides[3] * sizes[2] + below(random, 3);
  strides[1] = strides[2] * sizes[1];
  strides[0] = strides[1] * sizes[0] + below(random, 3);
  return (batch - 1) * strides[0] + (sizes[0] - 1) * strides[1] + (sizes[1] - 1) * strides[2] +
         (sizes[2] - 1) * strides[3] + channels;
}

PoolProblem random_problem(Random& random) {
  PoolProblem p;
  p.batch = 1 + below(random, 2);
  p.channels = 1 + below(random, random() % 2 ? 20 : 140);
  p.count_include_pad = random() % 2;
  for (int a = random() % 3 ? 1 : 0; a < 3; ++a) {
    p.kernel[a] = 1 + below(random, 4);
    p.stride[a] = 1 + below(random, 3);
    p.dilation[a] = 1 + below(random, 2);
    p.in[a] = 1 + below(random, 9);
    p.pad_before[a] = below(random, static_cast<int>(p.kernel[a]));
    p.pad_after[a] = below(random, static_cast<int>(p.kernel[a]));
    const int64_t extent = (p.kernel[a] - 1) * p.dilation[a] + 1;
    const int64_t room = p.in[a] + p.pad_before[a] + p.pad_after[a] - extent;
    const bool ceil_mode = random() % 2;
    p.out[a] = room < 0 ? 1 : (room + (ceil_mode ? p.stride[a] - 1 : 0)) / p.stride[a] + 1;
  }
  return p;
}

// In double precision; the sum of the absolute values bounds the rounding error.
double reference(const PoolProblem& p, const float* in, bool is_max, const int64_t (&at)[5],
                 double* magnitude) {
  double result = is_max ? -INFINITY : 0;
  int64_t inside = 0, padded = 0;
  *magnitude = 0;
  for (int64_t d = 0; d < p.kernel[0]; ++d) {
    for (int64_t h = 0; h < p.kernel[1]; ++h) {
      for (int64_t w = 0; w < p.kernel[2]; ++w) {
        const int64_t k[3] = {d, h, w};
        int64_t offset = at[0] * p.in_strides[0] + at[4];
        bool is_inside = true, is_padded = true;
        for (int a = 0; a < 3; ++a) {
          const int64_t i = at[1 + a] * p.stride[a] - p.pad_before[a] + k[a] * p.dilation[a];
          is_inside = is_inside && i >= 0 && i < p.in[a];
          is_padded = is_padded && i < p.in[a] + p.pad_after[a];
          offset += i * p.in_strides[1 + a];
        }
        padded += is_padded;
        if (!is_inside) continue;
        ++inside;
        const double x = in[offset];
        *magnitude += std::fabs(x);
        result = !is_max                               ? result + x
                 : std::isnan(x) || std::isnan(result) ? NAN
                                                       : std::fmax(result, x);
      }
    }
  }
  const int64_t count = p.count_include_pad ? padded : inside;
  return is_max || count == 0 ? result : result / static_cast<double>(count);
}

void check(Random& random, Isa isa, bool is_max) {
  PoolProblem p = random_problem(random);
  const bool at_end = random() % 2;
  GuardedBuffer<float> in(set_strides(random, p.in, p.batch, p.channels, p.in_strides), at_end);
  GuardedBuffer<float> out(set_strides(random, p.out, p.batch, p.channels, p.out_strides), at_end);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < in.size(); ++i)
    in[i] = is_max && random() % 99 == 0 ? NAN : normal(random);
  for (int64_t i = 0; i < out.size(); ++i) out[i] = 77;
  const PoolRun run = is_max ? max_pool_kernel(isa) : average_pool_kernel(isa);
  const int64_t items = pool_items(p), cut = items / 2;
  run(p, in.data(), out.data(), cut, items);
  run(p, in.data(), out.data(), 0, cut);
  std::vector<char> written(static_cast<size_t>(out.size()), 0);
  for (int64_t index = 0; index < p.batch * p.out[0] * p.out[1] * p.out[2] * p.channels; ++index) {
    int64_t at[5], rest = index;
    const int64_t sizes[5] = {p.batch, p.out[0], p.out[1], p.out[2], p.channels};
    int64_t offset = 0;
    for (int a = 4; a >= 0; --a) {
      at[a] = rest % sizes[a];
      rest /= sizes[a];
      offset += at[a] * (a == 4 ? 1 : p.out_strides[a]);
    }
    double magnitude;
    const double want = reference(p, in.data(), is_max, at, &magnitude);
    written[static_cast<size_t>(offset)] = 1;
    if (is_max) {
      ASSERT_TRUE(std::isnan(want) ? std::isnan(out[offset]) : out[offset] == want) << index;
    } else {
      // n additions and a division, each within half a unit of the last place.
      const double taps = static_cast<double>(p.kernel[0] * p.kernel[1] * p.kernel[2] + 1);
      ASSERT_NEAR(out[offset], want, taps * 6e-8 * magnitude + 1e-12) << isa_name(isa);
    }
  }
  for (int64_t i = 0; i < out.size(); ++i) {
    ASSERT_TRUE(written[static_cast<size_t>(i)] || out[i] == 77) << "wrote into a gap";
  }
}

TEST(Pool, MaxEqualsReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 150; ++round) check(random, isa, true);
  }
}

TEST(Pool, AverageIsCloseToReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 150; ++round) check(random, isa, false);
  }
}

}  // namespace
}  // namespace hone::cpu

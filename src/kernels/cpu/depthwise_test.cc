#include "kernels/cpu/depthwise.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

int64_t set_strides(Random& random, int64_t n, int64_t h, int64_t w, int64_t c, int64_t* strides) {
  strides[2] = c + below(random, 3);
  strides[1] = strides[2] * w + below(random, 3);
  strides[0] = strides[1] * h + below(random, 3);
  return (n - 1) * strides[0] + (h - 1) * strides[1] + (w - 1) * strides[2] + c;
}

DepthwiseProblem random_problem(Random& random) {
  DepthwiseProblem p;
  p.batch = 1 + below(random, 2);
  p.channels = 1 + below(random, 50);
  p.multiplier = random() % 4 ? 1 : 1 + below(random, 4);
  static const int kKernels[] = {1, 2, 3, 3, 3, 4, 5, 5, 7, 9};
  p.kernel_h = kKernels[below(random, 10)];
  p.kernel_w = random() % 3 ? p.kernel_h : kKernels[below(random, 10)];
  p.stride_h = 1 + below(random, 3);
  p.stride_w = 1 + below(random, 3);
  p.dilation_h = 1 + below(random, 2);
  p.dilation_w = 1 + below(random, 2);
  p.in_h = 1 + below(random, 12);
  p.in_w = 1 + below(random, 40);
  p.pad_top = below(random, static_cast<int>(p.kernel_h));
  p.pad_left = below(random, static_cast<int>(p.kernel_w));
  // Up to the last window that starts inside the tensor: right padding of any size.
  p.out_h = 1 + below(random, static_cast<int>((p.in_h - 1 + p.pad_top) / p.stride_h + 1));
  p.out_w = 1 + (p.in_w - 1 + p.pad_left) / p.stride_w;
  return p;
}

// Whole rows, of any channels; each element once.
struct TailLog {
  const DepthwiseProblem* problem;
  float* out;
  std::vector<int64_t> rows;  // channels that were reported
  static void call(void* user, int64_t pixel, int64_t pixels, int64_t channel, int64_t channels) {
    TailLog& log = *static_cast<TailLog*>(user);
    const DepthwiseProblem& p = *log.problem;
    EXPECT_EQ(pixel % p.out_w, 0);
    EXPECT_EQ(pixels % p.out_w, 0);
    for (int64_t row = pixel / p.out_w; row < (pixel + pixels) / p.out_w; ++row) {
      log.rows[static_cast<size_t>(row)] += channels;
      float* out = log.out + row / p.out_h * p.out_strides[0] + row % p.out_h * p.out_strides[1];
      for (int64_t x = 0; x < p.out_w; ++x) {
        for (int64_t c = 0; c < channels; ++c) out[x * p.out_strides[2] + channel + c] *= 2;
      }
    }
  }
};

void check(Random& random, Isa isa) {
  DepthwiseProblem p = random_problem(random);
  const int64_t outputs = p.channels * p.multiplier, taps = p.kernel_h * p.kernel_w;
  const bool at_end = random() % 2, in_place = random() % 2;
  GuardedBuffer<float> in(set_strides(random, p.batch, p.in_h, p.in_w, p.channels, p.in_strides),
                          at_end);
  GuardedBuffer<float> out(set_strides(random, p.batch, p.out_h, p.out_w, outputs, p.out_strides),
                           at_end);
  GuardedBuffer<float> addend(
      set_strides(random, p.batch, p.out_h, p.out_w, outputs, p.addend_strides), at_end);
  GuardedBuffer<float> weights(outputs * taps, at_end), bias(outputs, at_end);
  GuardedBuffer<float> packed(packed_depthwise_floats(p, isa), at_end);
  std::normal_distribution<float> normal;
  for (GuardedBuffer<float>* buffer : {&in, &out, &addend, &weights, &bias}) {
    for (int64_t i = 0; i < buffer->size(); ++i) (*buffer)[i] = normal(random);
  }
  pack_depthwise(p, isa, weights.data(), packed.data());
  DepthwisePointers at;
  at.input = in.data();
  at.packed = packed.data();
  at.output = out.data();
  if (random() % 2) at.bias = bias.data();
  if (random() % 2) at.addend = addend.data();
  if (at.addend != nullptr && in_place) {
    at.addend = out.data();
    for (int i = 0; i < 3; ++i) p.addend_strides[i] = p.out_strides[i];
  }
  if (random() % 2) at.lo = -1, at.hi = 2;
  TailLog log{&p, out.data(), std::vector<int64_t>(static_cast<size_t>(p.batch * p.out_h), 0)};
  if (random() % 3 == 0) at.tail = TailLog::call, at.tail_user = &log;

  std::vector<double> want(static_cast<size_t>(out.size())), bound(want.size(), 0);
  for (int64_t i = 0; i < out.size(); ++i) want[i] = out[i];
  for (int64_t n = 0; n < p.batch; ++n) {
    for (int64_t y = 0; y < p.out_h; ++y) {
      for (int64_t x = 0; x < p.out_w; ++x) {
        for (int64_t o = 0; o < outputs; ++o) {
          double sum = at.bias != nullptr ? bias[o] : 0, magnitude = std::fabs(sum);
          for (int64_t r = 0; r < p.kernel_h; ++r) {
            for (int64_t s = 0; s < p.kernel_w; ++s) {
              const int64_t iy = y * p.stride_h - p.pad_top + r * p.dilation_h;
              const int64_t ix = x * p.stride_w - p.pad_left + s * p.dilation_w;
              if (iy < 0 || iy >= p.in_h || ix < 0 || ix >= p.in_w) continue;
              const double term =
                  static_cast<double>(in[n * p.in_strides[0] + iy * p.in_strides[1] +
                                         ix * p.in_strides[2] + o / p.multiplier]) *
                  weights[(o * p.kernel_h + r) * p.kernel_w + s];
              sum += term;
              magnitude += std::fabs(term);
            }
          }
          if (at.addend != nullptr) {
            const double extra = at.addend[n * p.addend_strides[0] + y * p.addend_strides[1] +
                                           x * p.addend_strides[2] + o];
            sum += extra;
            magnitude += std::fabs(extra);
          }
          const double factor = at.tail != nullptr ? 2 : 1;
          const int64_t to = n * p.out_strides[0] + y * p.out_strides[1] + x * p.out_strides[2] + o;
          want[to] = factor * std::fmin(at.hi, std::fmax(at.lo, sum));
          // taps + 2 roundings of half a unit in the last place of at most `magnitude`.
          bound[to] = factor * static_cast<double>(taps + 2) * 6e-8 * magnitude;
        }
      }
    }
  }
  const DepthwiseRun run = depthwise_kernel(isa);
  const int64_t items = depthwise_items(p), cut = items / 3;
  run(p, at, cut, items);
  run(p, at, 0, cut);
  for (int64_t i = 0; i < out.size(); ++i) {
    ASSERT_NEAR(out[i], want[i], bound[i])
        << isa_name(isa) << " at " << i << ", kernel " << p.kernel_h << "x" << p.kernel_w;
  }
  if (at.tail != nullptr) {
    for (const int64_t channels : log.rows) ASSERT_EQ(channels, outputs);
  }
}

// Output rows one by one from a buffer that holds as many input rows as one of them reads: same
// bits as from the whole image.
void check_ring(Random& random, Isa isa) {
  DepthwiseProblem p = random_problem(random);
  p.batch = 1;
  p.dilation_h = 1;
  const int64_t outputs = p.channels * p.multiplier, row = p.in_w * p.channels;
  p.in_strides[2] = p.channels, p.in_strides[1] = row, p.in_strides[0] = p.in_h * row;
  p.out_strides[2] = outputs, p.out_strides[1] = p.out_w * outputs;
  GuardedBuffer<float> in(p.in_h * row, true), ring(p.kernel_h * row, true);
  GuardedBuffer<float> packed(packed_depthwise_floats(p, isa), true);
  std::vector<float> weights(static_cast<size_t>(outputs * p.kernel_h * p.kernel_w));
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < in.size(); ++i) in[i] = normal(random);
  for (float& weight : weights) weight = normal(random);
  pack_depthwise(p, isa, weights.data(), packed.data());
  std::vector<float> want(static_cast<size_t>(p.out_h * p.out_strides[1]), 1.0f), got = want;
  DepthwisePointers at;
  at.packed = packed.data();
  at.input = in.data();
  at.output = want.data();
  const DepthwiseRun run = depthwise_kernel(isa);
  run(p, at, 0, p.out_h);
  p.ring_rows = p.kernel_h;
  at.input = ring.data();
  at.output = got.data();
  for (int64_t y = 0; y < p.out_h; ++y) {
    for (int64_t r = 0; r < p.kernel_h; ++r) {
      const int64_t from = y * p.stride_h - p.pad_top + r;
      if (from < 0 || from >= p.in_h) continue;
      std::copy_n(in.data() + from * row, row, ring.data() + from % p.ring_rows * row);
    }
    run(p, at, y, y + 1);
  }
  ASSERT_EQ(got, want) << isa_name(isa) << ", kernel " << p.kernel_h << "x" << p.kernel_w;
}

TEST(Depthwise, RingOfRowsGivesTheSameBits) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 200; ++round) {
      check_ring(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Depthwise, RandomProblemsAgreeWithReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 200; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Depthwise, NanStays) {
  DepthwiseProblem p;
  p.in_strides[2] = p.out_strides[2] = 1;
  const float weight = 1, nan = NAN;
  for (const Isa isa : testable_isas()) {
    std::vector<float> packed(static_cast<size_t>(packed_depthwise_floats(p, isa)));
    pack_depthwise(p, isa, &weight, packed.data());
    float out = 0;
    DepthwisePointers at;
    at.input = &nan;
    at.packed = packed.data();
    at.output = &out;
    at.lo = 0;
    at.hi = 6;
    depthwise_kernel(isa)(p, at, 0, 1);
    EXPECT_TRUE(std::isnan(out));
  }
}

}  // namespace
}  // namespace hone::cpu

#include "kernels/cpu/conv.h"

#include <array>
#include <memory>

#include "kernels/cpu/conv_test_util.h"

namespace hone::cpu {
namespace {

using Side = Guarded::Side;
constexpr float kUntouched = 12345.0f;

// A problem with its tensors.
struct Fixture {
  ConvProblem problem;
  Image in, out, add;
  std::unique_ptr<Guarded> input, weights, bias, addend, output;
  float lo = -INFINITY, hi = INFINITY;
  bool in_place = false;  // the addend is the output

  const float* input_at() const { return input->data() + in.origin(); }
  const float* bias_at() const { return bias ? bias->data() : nullptr; }
};

struct Gaps {
  std::array<int64_t, 3> in{}, out{}, add{};
};

template <class Rng>
Fixture make_fixture(ConvProblem p, const Gaps& gaps, Side side, bool with_bias, Rng& rng) {
  Fixture s;
  s.in = make_image(p.batch, p.in_h, p.in_w, p.in_c,
                    {p.pad_top, p.pad_left, p.pad_bottom, p.pad_right}, gaps.in);
  s.out = make_image(p.batch, p.out_h, p.out_w, p.out_c, {}, gaps.out);
  s.add = make_image(p.batch, p.out_h, p.out_w, p.out_c, {}, gaps.add);
  p.input = s.in.strides, p.output = s.out.strides, p.addend = s.add.strides;
  s.problem = p;
  s.input = std::make_unique<Guarded>(s.in.floats(), side);
  s.weights =
      std::make_unique<Guarded>(p.out_c * p.kernel_h * p.kernel_w * p.in_c / p.groups, side);
  s.output = std::make_unique<Guarded>(s.out.floats(), side);
  s.addend = std::make_unique<Guarded>(s.add.floats(), side);
  if (with_bias) s.bias = std::make_unique<Guarded>(p.out_c, side), s.bias->randomize(rng);
  s.input->randomize(rng);
  s.weights->randomize(rng);
  s.addend->randomize(rng);
  if (s.input->size() > 0) {
    fill_padding({p.batch, p.in_h, p.in_w, p.in_c, p.pad_top, p.pad_left, p.pad_bottom, p.pad_right,
                  p.input},
                 s.input->data() + s.in.origin());
  }
  return s;
}

// Runs all items in an order of its own, over several calls, and returns the output memory.
std::vector<float> run(Fixture& s, const ConvConfig& config, Isa isa, bool backwards = false) {
  ConvProblem p = s.problem;
  if (s.in_place) p.addend = p.output;
  Guarded packed(packed_weight_bytes(p, config, isa) / 4, Guarded::kEnd);
  pack_weights(p, config, isa, s.weights->data(), packed.data());
  std::fill_n(s.output->data(), s.output->size(), kUntouched);
  ConvPointers at;
  at.input = s.input_at(), at.packed = packed.data(), at.bias = s.bias_at();
  at.output = s.output->data(), at.lo = s.lo, at.hi = s.hi;
  if (p.has_addend) at.addend = s.in_place ? s.output->data() : s.addend->data();
  if (p.has_addend && s.in_place && s.output->size() > 0) {
    std::memcpy(s.output->data(), s.addend->data(), s.output->size() * 4);
  }
  const Conv conv = prepare_conv(p, config, isa);
  for (int64_t i = 0; i < conv.items; i++) {
    const int64_t item = backwards ? conv.items - 1 - i : i;
    run_conv(conv, at, item, item + 1);
  }
  return {s.output->data(), s.output->data() + s.output->size()};
}

void expect_close(const Fixture& s, const std::vector<float>& got, const std::string& what) {
  const ConvProblem& p = s.problem;
  std::vector<bool> written(got.size());
  int errors = 0;
  for (int64_t n = 0; n < p.batch; n++) {
    for (int64_t y = 0; y < p.out_h; y++) {
      for (int64_t x = 0; x < p.out_w; x++) {
        for (int64_t o = 0; o < p.out_c; o++) {
          const Exact e = exact_conv(p, s.input_at(), s.weights->data(), s.bias_at(),
                                     p.has_addend ? s.addend->data() : nullptr, n, y, x, o);
          const double want = std::fmin(std::fmax(e.value, s.lo), s.hi);
          const int64_t at = n * p.output.n + y * p.output.h + x * p.output.w + o;
          written[at] = true;
          if (std::fabs(got[at] - want) > sum_bound(p, e) && ++errors < 4) {
            ADD_FAILURE() << fmt::format("{}: [{},{},{},{}] is {}, not {}", what, n, y, x, o,
                                         got[at], want);
          }
        }
      }
    }
  }
  if (s.in_place && p.has_addend) return;
  for (size_t i = 0; i < got.size(); i++) {
    if (!written[i] && got[i] != kUntouched && ++errors < 4) {
      ADD_FAILURE() << what << ": wrote into a gap at " << i;
    }
  }
}

std::vector<ConvConfig> all_configs(Isa isa) {
  std::vector<ConvConfig> configs;
  const auto shapes = isa == Isa::kAvx2
                          ? std::vector<std::pair<int, int>>{{6, 2}, {4, 3}, {12, 1}}
                          : std::vector<std::pair<int, int>>{{14, 2}, {8, 3}, {14, 1}};
  for (const auto& [rows, vectors] : shapes) {
    configs.push_back({rows, vectors, LoopOrder::kTilesOutside, 0, 1, false});
    configs.push_back({rows, vectors, LoopOrder::kTilesOutside, 20, 4, true});
    configs.push_back({rows, vectors, LoopOrder::kPanelsOutside, 32, 0, true});
    configs.push_back({rows, vectors, LoopOrder::kPanelsOutside, 0, 8, false});
  }
  return configs;
}

ConvProblem conv2d(int64_t n, int64_t h, int64_t w, int64_t i, int64_t o, int64_t k, int64_t stride,
                   int64_t dilation = 1, int64_t groups = 1, int64_t pad = -1) {
  ConvProblem p;
  p.batch = n, p.in_h = h, p.in_w = w, p.in_c = i, p.out_c = o, p.groups = groups;
  p.kernel_h = p.kernel_w = k, p.stride_h = p.stride_w = stride;
  p.dilation_h = p.dilation_w = dilation;
  const int64_t reach = (k - 1) * dilation;
  p.pad_top = p.pad_left = pad < 0 ? reach / 2 : pad;
  p.pad_bottom = p.pad_right = pad < 0 ? reach - reach / 2 : pad;
  p.out_h = (h + p.pad_top + p.pad_bottom - reach - 1) / stride + 1;
  p.out_w = (w + p.pad_left + p.pad_right - reach - 1) / stride + 1;
  return p;
}

template <class Rng>
void check_all(const ConvProblem& p, const Gaps& gaps, Rng& rng, bool thin = false) {
  static const std::vector<Isa> isas = testable_isas();
  for (Isa isa : isas) {
    for (Side side : {Guarded::kEnd, Guarded::kStart}) {
      for (const ConvConfig& config : all_configs(isa)) {
        if (thin && rng() % 4 != 0) continue;
        Fixture s = make_fixture(p, gaps, side, rng() % 2 == 0, rng);
        if (rng() % 3 == 0) s.lo = 0, s.hi = rng() % 2 ? 6.0f : INFINITY;
        s.in_place = gaps.out == gaps.add && rng() % 2 == 0;
        const std::string what = describe(s.problem) + " | " + describe(config) +
                                 fmt::format(" | isa {}", static_cast<int>(isa));
        const std::vector<float> got = run(s, config, isa);
        expect_close(s, got, what);
        const std::vector<float> again = run(s, config, isa, true);
        EXPECT_TRUE(same_bits(got.data(), again.data(), got.size()))
            << "order of items changes bits: " << what;
      }
    }
  }
}

TEST(ConvTest, EdgeShapes) {
  std::mt19937 rng(1);
  check_all(conv2d(1, 1, 1, 1, 1, 1, 1), {}, rng);
  check_all(conv2d(0, 5, 5, 3, 4, 3, 1), {}, rng);
  check_all(conv2d(1, 7, 7, 5, 17, 3, 1), {}, rng);
  check_all(conv2d(3, 7, 7, 8, 40, 1, 1), {}, rng);
  check_all(conv2d(1, 15, 15, 3, 24, 7, 2), {}, rng);       // first layer
  check_all(conv2d(2, 9, 13, 16, 33, 1, 2), {}, rng);       // strided 1x1
  check_all(conv2d(1, 12, 10, 4, 9, 3, 1, 2), {}, rng);     // dilation
  check_all(conv2d(1, 6, 6, 12, 24, 3, 1, 1, 4), {}, rng);  // groups
  check_all(conv2d(1, 5, 6, 6, 6, 3, 2, 1, 6), {}, rng);    // one channel per group
  check_all(conv2d(1, 3, 60, 2, 49, 3, 1), {{3, 5, 7}, {1, 2, 3}, {4, 4, 4}}, rng);
  check_all(conv2d(2, 60, 1, 3, 16, 1, 1), {{0, 0, 4}, {1, 0, 0}, {}}, rng);
  ConvProblem residual = conv2d(2, 7, 7, 9, 35, 3, 1);
  residual.has_addend = true;
  check_all(residual, {}, rng);
  check_all(residual, {{}, {1, 1, 1}, {2, 3, 4}}, rng);
}

TEST(ConvTest, NoInputChannelsGivesBias) {
  std::mt19937 rng(2);
  check_all(conv2d(1, 3, 3, 0, 5, 1, 1), {}, rng);
}

TEST(ConvTest, RandomShapes) {
  std::mt19937 rng(test_seed());
  const auto pick = [&](int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
  };
  for (int round = 0; round < 25; round++) {
    const int64_t groups = pick(0, 3) ? 1 : pick(1, 3);
    ConvProblem p;
    p.batch = pick(1, 3), p.groups = groups;
    p.in_c = groups * pick(1, 20), p.out_c = groups * pick(1, 50);
    p.in_h = pick(1, 16), p.in_w = pick(1, 30);
    p.kernel_h = pick(1, 4), p.kernel_w = pick(1, 4), p.stride_h = pick(1, 3),
    p.stride_w = pick(1, 3);
    p.dilation_h = pick(1, 2), p.dilation_w = pick(1, 2);
    const int64_t reach_h = (p.kernel_h - 1) * p.dilation_h,
                  reach_w = (p.kernel_w - 1) * p.dilation_w;
    p.pad_top = pick(0, 2), p.pad_left = pick(0, 2);
    p.pad_bottom = std::max(pick(0, 2), reach_h - p.pad_top - p.in_h + 1);
    p.pad_right = std::max(pick(0, 2), reach_w - p.pad_left - p.in_w + 1);
    p.out_h = (p.in_h + p.pad_top + p.pad_bottom - reach_h - 1) / p.stride_h + 1;
    p.out_w = (p.in_w + p.pad_left + p.pad_right - reach_w - 1) / p.stride_w + 1;
    p.has_addend = pick(0, 1);
    Gaps gaps;
    if (pick(0, 1)) gaps.in = {pick(0, 3), pick(0, 9), pick(0, 9)};
    if (pick(0, 1)) gaps.out = {pick(0, 3), pick(0, 9), pick(0, 9)};
    if (pick(0, 1)) gaps.add = gaps.out;
    check_all(p, gaps, rng, true);
  }
}

TEST(ConvTest, ClampKeepsNan) {
  std::mt19937 rng(3);
  for (Isa isa : testable_isas()) {
    for (int64_t out_c : {64, 3}) {
      for (const ConvConfig& config : all_configs(isa)) {
        Fixture s = make_fixture(conv2d(1, 4, 5, 40, out_c, 1, 1), {}, Guarded::kEnd, true, rng);
        s.lo = 0, s.hi = 6;
        s.input->data()[3 * 40 + 39] = NAN;  // pixel 3
        const std::vector<float> got = run(s, config, isa);
        for (int64_t i = 0; i < static_cast<int64_t>(got.size()); i++) {
          EXPECT_EQ(std::isnan(got[i]), i / out_c == 3) << i << " " << describe(config);
        }
      }
    }
  }
}

TEST(ConvTest, TailSeesEveryOutputOnceAndComplete) {
  std::mt19937 rng(4);
  struct Seen {
    const ConvProblem* p;
    const float* output;
    std::vector<int> count;
    static void tail(void* user, int64_t pixel, int64_t pixels, int64_t channel, int64_t channels) {
      Seen& seen = *static_cast<Seen*>(user);
      for (int64_t i = pixel; i < pixel + pixels; i++) {
        for (int64_t c = channel; c < channel + channels; c++) {
          const int64_t at = i * seen.p->out_c + c;  // dense output
          seen.count[at] += seen.output[at] == kUntouched ? 1000 : 1;
        }
      }
    }
  };
  for (Isa isa : testable_isas()) {
    for (const ConvConfig& config : all_configs(isa)) {
      Fixture s = make_fixture(conv2d(2, 13, 11, 6, 70, 3, 1, 1, 2), {}, Guarded::kEnd, false, rng);
      run(s, config, isa);
      Guarded packed(packed_weight_bytes(s.problem, config, isa) / 4, Guarded::kEnd);
      pack_weights(s.problem, config, isa, s.weights->data(), packed.data());
      std::fill_n(s.output->data(), s.output->size(), kUntouched);
      Seen seen{&s.problem, s.output->data(), std::vector<int>(s.output->size())};
      ConvPointers at;
      at.input = s.input_at(), at.packed = packed.data(), at.output = s.output->data();
      at.tail = &Seen::tail, at.tail_user = &seen;
      const Conv conv = prepare_conv(s.problem, config, isa);
      run_conv(conv, at, 0, conv.items);
      EXPECT_EQ(std::count(seen.count.begin(), seen.count.end(), 1),
                static_cast<int64_t>(seen.count.size()))
          << describe(config);
    }
  }
}

TEST(ConvTest, PackingIgnoresImageSize) {
  for (Isa isa : testable_isas()) {
    const ConvProblem small = conv2d(1, 8, 8, 24, 100, 3, 1),
                      large = conv2d(4, 64, 64, 24, 100, 3, 1);
    const ConvConfig config = all_configs(isa)[0];
    EXPECT_EQ(packed_weight_bytes(small, config, isa), packed_weight_bytes(large, config, isa));
  }
}

TEST(ConvTest, CandidatesAreFewAndRunnable) {
  for (Isa isa : testable_isas()) {
    for (const ConvProblem& p : {conv2d(1, 56, 56, 64, 64, 3, 1), conv2d(1, 7, 7, 512, 2048, 1, 1),
                                 conv2d(1, 28, 28, 24, 24, 1, 1), conv2d(1, 1, 1, 2048, 1000, 1, 1),
                                 conv2d(8, 4, 4, 8, 8, 3, 1, 1, 8), conv2d(0, 4, 4, 8, 8, 3, 1)}) {
      ConvProblem q = p;
      q.input = padded_strides(p), q.output = dense_strides(p.out_h, p.out_w, p.out_c);
      const auto configs = candidates(q, isa, 512 << 10);
      EXPECT_GE(configs.size(), 1u);
      EXPECT_LE(configs.size(), 8u);
      for (const ConvConfig& config : configs) prepare_conv(q, config, isa);
    }
  }
}

TEST(ConvTest, InvalidProblems) {
  ConvProblem p = conv2d(1, 8, 8, 4, 4, 3, 1);
  EXPECT_TRUE(valid(p));
  p.out_h++;
  EXPECT_FALSE(valid(p));
  p = conv2d(1, 8, 8, 4, 4, 3, 1);
  p.groups = 3;
  EXPECT_FALSE(valid(p));
}

TEST(ConvPaddingTest, CopyPadded) {
  std::mt19937 rng(5);
  for (int64_t gap : {0, 2}) {
    const Image from = make_image(2, 3, 4, 5, {}, {gap, gap, gap});
    const Image to = make_image(2, 3, 4, 5, {1, 2, 0, 3}, {gap, 0, 0});
    Guarded input(from.floats(), Guarded::kEnd), output(to.floats(), Guarded::kEnd);
    input.randomize(rng);
    std::fill_n(output.data(), output.size(), kUntouched);
    copy_padded({2, 3, 4, 5, 1, 2, 0, 3, to.strides}, input.data(), from.strides,
                output.data() + to.origin(), 0, 2, -1.0f);
    for (int64_t n = 0; n < 2; n++) {
      for (int64_t y = -1; y < 3; y++) {
        for (int64_t x = -2; x < 7; x++) {
          const float* got =
              output.data() + to.origin() + n * to.strides.n + y * to.strides.h + x * to.strides.w;
          const bool inside = y >= 0 && x >= 0 && x < 4;
          for (int64_t c = 0; c < 5; c++) {
            const float want =
                inside
                    ? input.data()[n * from.strides.n + y * from.strides.h + x * from.strides.w + c]
                    : -1.0f;
            EXPECT_EQ(got[c], want);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace hone::cpu

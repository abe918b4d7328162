#include "kernels/cpu/winograd.h"

#include <array>
#include <memory>

#include "kernels/cpu/conv_test_util.h"

namespace hone::cpu {
namespace {

// The transforms as matrices, to bound the error.
struct Matrices {
  std::vector<std::vector<double>> input, weights, output;  // B^T, G, A^T
};

Matrices matrices(int tile) {
  if (tile == 2) {
    return {{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
            {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
            {{1, 1, 1, 0}, {0, 1, -1, -1}}};
  }
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  return {{{1, 0, -2.5, 0, 1, 0},
           {0, -2 * a, -2, a, 1, 0},
           {0, 2 * a, -2, -a, 1, 0},
           {0, -.5 * b, -.5, b, 1, 0},
           {0, .5 * b, -.5, -b, 1, 0},
           {0, 1, 0, -2.5, 0, 1}},
          {{1, 0, 0},
           {-1 / 1.5, -a / 1.5, -.5 / 1.5},
           {-1 / 1.5, a / 1.5, -.5 / 1.5},
           {1 / 6., b / 6, 2 / 6.},
           {1 / 6., -b / 6, 2 / 6.},
           {0, 0, 1}},
          {{1, 1, 1, 1, 1, 0},
           {0, a, -a, b, -b, 0},
           {0, .5, .5, 2, 2, 0},
           {0, .5 * a, -.5 * a, 2 * b, -2 * b, 1}}};
}

// |M| X |M|^T for a square or rectangular X.
std::vector<std::vector<double>> absolute(const std::vector<std::vector<double>>& m,
                                          const std::vector<std::vector<double>>& x) {
  std::vector<std::vector<double>> result(m.size(), std::vector<double>(m.size()));
  for (size_t i = 0; i < m.size(); i++) {
    for (size_t j = 0; j < m.size(); j++) {
      for (size_t k = 0; k < x.size(); k++) {
        for (size_t l = 0; l < x.size(); l++) {
          result[i][j] += std::fabs(m[i][k]) * x[k][l] * std::fabs(m[j][l]);
        }
      }
    }
  }
  return result;
}

struct Fixture {
  ConvProblem problem;
  Image in, out;
  std::unique_ptr<Guarded> input, weights, bias, output, before;
  bool in_place = false;
  float lo = -INFINITY, hi = INFINITY;

  const float* input_at() const { return input->data() + in.origin(); }
};

template <class Rng>
Fixture make_fixture(int64_t n, int64_t h, int64_t w, int64_t i, int64_t o, int64_t pad,
                     std::array<int64_t, 3> gaps, Guarded::Side side, bool addend, Rng& rng) {
  Fixture f;
  ConvProblem& p = f.problem;
  p.batch = n, p.in_h = h, p.in_w = w, p.in_c = i, p.out_c = o, p.kernel_h = p.kernel_w = 3;
  p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = pad;
  p.out_h = h + 2 * pad - 2, p.out_w = w + 2 * pad - 2;
  f.in = make_image(n, h, w, i, {pad, pad, pad, pad}, gaps);
  f.out = make_image(n, p.out_h, p.out_w, o, {}, gaps);
  p.input = f.in.strides, p.output = p.addend = f.out.strides, p.has_addend = addend;
  f.input = std::make_unique<Guarded>(f.in.floats(), side);
  f.output = std::make_unique<Guarded>(f.out.floats(), side);
  f.before = std::make_unique<Guarded>(f.out.floats(), side);
  f.weights = std::make_unique<Guarded>(o * 9 * i, side);
  f.bias = std::make_unique<Guarded>(o, side);
  for (Guarded* g : {f.input.get(), f.weights.get(), f.bias.get(), f.before.get()}) {
    g->randomize(rng);
  }
  if (f.input->size() > 0) {
    fill_padding({n, h, w, i, pad, pad, pad, pad, p.input}, f.input->data() + f.in.origin());
  }
  return f;
}

void run(Fixture& f, const WinogradConfig& config, Isa isa, bool backwards) {
  const ConvProblem& p = f.problem;
  Guarded packed(winograd_weight_bytes(p, config, isa) / 4, Guarded::kEnd);
  pack_winograd_weights(p, config, isa, f.weights->data(), packed.data());
  const Winograd w = prepare_winograd(p, config, isa);
  Guarded workspace(w.workspace_floats, Guarded::kEnd);
  std::fill_n(workspace.data(), workspace.size(), NAN);
  std::copy_n(f.before->data(), f.before->size(), f.output->data());
  ConvPointers at;
  at.input = f.input_at(), at.packed = packed.data(), at.bias = f.bias->data();
  at.output = f.output->data(), at.lo = f.lo, at.hi = f.hi;
  if (p.has_addend) at.addend = f.in_place ? f.output->data() : f.before->data();
  for (int64_t i = 0; i < w.items; i++) {
    const int64_t item = backwards ? w.items - 1 - i : i;
    run_winograd(w, at, workspace.data(), item, item + 1);
  }
}

// First-order bound of the error of a tile: every value passes through at most in_c + 40 roundings,
// and the sizes grow as the transforms with absolute coefficients say.
std::vector<std::vector<double>> tile_bound(const Fixture& f, int tile, int64_t n, int64_t y,
                                            int64_t x, int64_t o) {
  const ConvProblem& p = f.problem;
  const Matrices m = matrices(tile);
  const int side = tile + 2;
  std::vector<std::vector<double>> sum(side, std::vector<double>(side));
  for (int64_t c = 0; c < p.in_c; c++) {
    std::vector<std::vector<double>> d(side, std::vector<double>(side));
    std::vector<std::vector<double>> g(3, std::vector<double>(3));
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < side; j++) {
        const int64_t iy = y + i - p.pad_top, ix = x + j - p.pad_left;
        if (iy < 0 || iy >= p.in_h || ix < 0 || ix >= p.in_w) continue;
        d[i][j] = std::fabs(f.input_at()[n * p.input.n + iy * p.input.h + ix * p.input.w + c]);
      }
    }
    for (int i = 0; i < 9; i++) {
      g[i / 3][i % 3] = std::fabs(f.weights->data()[(o * 9 + i) * p.in_c + c]);
    }
    const auto v = absolute(m.input, d), u = absolute(m.weights, g);
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < side; j++) sum[i][j] += v[i][j] * u[i][j];
    }
  }
  auto bound = absolute(m.output, sum);
  for (auto& row : bound) {
    for (double& b : row) b = (b + 2) * (p.in_c + 40.0) * std::ldexp(1.0, -24);
  }
  return bound;
}

// Compares the outputs of one tile of one channel; returns how many are wrong.
int check_tile(const Fixture& f, int tile, int64_t n, int64_t ty, int64_t tx, int64_t o,
               const std::string& what) {
  const ConvProblem& p = f.problem;
  const auto bound = tile_bound(f, tile, n, ty, tx, o);
  int errors = 0;
  for (int64_t y = ty; y < std::min(ty + tile, p.out_h); y++) {
    for (int64_t x = tx; x < std::min(tx + tile, p.out_w); x++) {
      const Exact e = exact_conv(p, f.input_at(), f.weights->data(), f.bias->data(),
                                 p.has_addend ? f.before->data() : nullptr, n, y, x, o);
      const double want = std::fmin(std::fmax(e.value, f.lo), f.hi);
      const float got = f.output->data()[n * p.output.n + y * p.output.h + x * p.output.w + o];
      if (std::fabs(got - want) <= bound[y - ty][x - tx]) continue;
      if (++errors == 1) {
        ADD_FAILURE() << fmt::format("{}: [{},{},{},{}] is {}, not {} +- {}", what, n, y, x, o, got,
                                     want, bound[y - ty][x - tx]);
      }
    }
  }
  return errors;
}

void expect_close(const Fixture& f, const WinogradConfig& config, const std::string& what) {
  const ConvProblem& p = f.problem;
  int errors = 0;
  for (int64_t n = 0; n < p.batch; n++) {
    for (int64_t y = 0; y < p.out_h; y += config.tile) {
      for (int64_t x = 0; x < p.out_w; x += config.tile) {
        for (int64_t o = 0; o < p.out_c && errors < 3; o++) {
          errors += check_tile(f, config.tile, n, y, x, o, what);
        }
      }
    }
  }
}

std::vector<WinogradConfig> configs(Isa isa) {
  const int rows = isa == Isa::kAvx2 ? 6 : 14, narrow = isa == Isa::kAvx2 ? 4 : 8;
  return {{2, rows, 2, 1, 1, true},
          {2, narrow, 3, 3, 2, false},
          {4, rows, 2, 1, 1, false},
          {4, narrow, 3, 2, 3, true},
          {4, rows, 2, 100, 2, true}};
}

template <class Rng>
void check(int64_t n, int64_t h, int64_t w, int64_t i, int64_t o, int64_t pad,
           std::array<int64_t, 3> gaps, const std::vector<Isa>& isas, Rng& rng) {
  for (Isa isa : isas) {
    for (const WinogradConfig& config : configs(isa)) {
      const auto side = rng() % 2 ? Guarded::kEnd : Guarded::kStart;
      Fixture f = make_fixture(n, h, w, i, o, pad, gaps, side, rng() % 2 == 0, rng);
      f.in_place = rng() % 2 == 0;
      if (rng() % 2) f.lo = 0, f.hi = 3;
      const std::string what =
          fmt::format("{} | tile {} {}x{} rows {} groups {} isa {}", describe(f.problem),
                      config.tile, config.rows, config.vectors, config.tile_rows,
                      config.channel_groups, static_cast<int>(isa));
      run(f, config, isa, false);
      expect_close(f, config, what);
      const std::vector<float> first(f.output->data(), f.output->data() + f.output->size());
      run(f, config, isa, true);
      EXPECT_TRUE(same_bits(first.data(), f.output->data(), first.size())) << what;
    }
  }
}

TEST(WinogradTest, EdgeShapes) {
  std::mt19937 rng(21);
  const auto isas = testable_isas();
  check(1, 1, 1, 1, 1, 1, {}, isas, rng);
  check(0, 4, 4, 3, 3, 1, {}, isas, rng);
  check(1, 4, 4, 16, 16, 1, {}, isas, rng);
  check(1, 7, 7, 5, 33, 1, {}, isas, rng);
  check(2, 6, 9, 17, 8, 0, {3, 5, 7}, isas, rng);
  check(3, 5, 5, 8, 50, 2, {}, isas, rng);
}

TEST(WinogradTest, RandomShapes) {
  std::mt19937 rng(test_seed());
  const auto isas = testable_isas();
  for (int round = 0; round < 6; round++) {
    const int64_t h = rng() % 8 + 3, w = rng() % 8 + 3;
    check(rng() % 2 + 1, h, w, rng() % 20 + 1, rng() % 40 + 1, rng() % 2, {0, 0, 3}, isas, rng);
  }
}

// The reason for the irrational points: with 0, +-1, +-2 the relative error of F(4x4) would exceed
// 1e-6. And for sums in blocks: 256 channels in one go have 1.2e-6.
class WinogradError : public testing::TestWithParam<std::tuple<int, int64_t>> {};

TEST_P(WinogradError, IsSmall) {
  std::mt19937 rng(22);
  const Isa isa = cpu_has(Isa::kAvx2) ? Isa::kAvx2 : Isa::kPortable;
  const auto [tile, channels] = GetParam();
  Fixture f = make_fixture(1, 16, 16, channels, 16, 1, {}, Guarded::kEnd, false, rng);
  for (int64_t i = 0; i < f.input->size(); i++) {  // as after a ReLU
    f.input->data()[i] = std::max(0.0f, f.input->data()[i]);
  }
  run(f, {tile, isa == Isa::kAvx2 ? 6 : 14, 2, 2, 1, true}, isa, false);
  double error = 0, size = 0;
  const ConvProblem& p = f.problem;
  for (int64_t i = 0; i < p.out_h * p.out_w * p.out_c; i++) {
    const int64_t o = i % p.out_c, x = i / p.out_c % p.out_w, y = i / p.out_c / p.out_w;
    const Exact e =
        exact_conv(p, f.input_at(), f.weights->data(), f.bias->data(), nullptr, 0, y, x, o);
    error += std::pow(f.output->data()[i] - e.value, 2), size += e.value * e.value;
  }
  EXPECT_LT(std::sqrt(error / size), tile == 2 ? 4e-7 : 9e-7);
  RecordProperty("relative_rms_error", fmt::format("{}", std::sqrt(error / size)));
  fmt::print("F({0}x{0}), {1} channels: relative rms error {2:.2g}\n", tile, channels,
             std::sqrt(error / size));
}

INSTANTIATE_TEST_SUITE_P(All, WinogradError,
                         testing::Combine(testing::Values(2, 4), testing::Values(64, 256)));

TEST(WinogradTest, CandidatesRun) {
  for (Isa isa : testable_isas()) {
    std::mt19937 rng(23);
    Fixture f = make_fixture(1, 14, 14, 32, 32, 1, {}, Guarded::kEnd, false, rng);
    const auto all = winograd_candidates(f.problem, isa, 512 << 10);
    EXPECT_GE(all.size(), 1u);
    EXPECT_LE(all.size(), 8u);
    for (const WinogradConfig& config : all) prepare_winograd(f.problem, config, isa);
    f.problem.stride_h = 2;
    EXPECT_TRUE(winograd_candidates(f.problem, isa, 512 << 10).empty());
  }
}

}  // namespace
}  // namespace hone::cpu

// One step against the same step in double, which carries the error along that FP32 may make.
#include "kernels/cpu/recurrent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

constexpr double kUlp = 0x1p-24;  // one rounding, relative

// A value and how far from it the kernel may be: every operation adds what its operands' errors can
// do and one rounding of its result.
struct Bounded {
  double value = 0, error = 0;
};
Bounded rounded(double value, double error) { return {value, error + kUlp * std::fabs(value)}; }
Bounded operator+(Bounded a, Bounded b) { return rounded(a.value + b.value, a.error + b.error); }
Bounded operator-(Bounded a, Bounded b) { return rounded(a.value - b.value, a.error + b.error); }
Bounded operator*(Bounded a, Bounded b) {
  return rounded(a.value * b.value,
                 std::fabs(a.value) * b.error + std::fabs(b.value) * a.error + a.error * b.error);
}

double apply(const Gate& gate, double x) {
  const double a = gate.alpha, b = gate.beta;
  switch (gate.fn) {
    case GateFn::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case GateFn::kTanh:
      return std::tanh(x);
    case GateFn::kRelu:
      return std::max(x, 0.0);
    case GateFn::kAffine:
      return a * x + b;
    case GateFn::kLeakyRelu:
      return x < 0 ? a * x : x;
    case GateFn::kThresholdedRelu:
      return x > a ? x : 0;
    case GateFn::kScaledTanh:
      return a * std::tanh(b * x);
    case GateFn::kHardSigmoid:
      return std::min(std::max(a * x + b, 0.0), 1.0);
    case GateFn::kElu:
      return x < 0 ? a * std::expm1(x) : x;
    case GateFn::kSoftsign:
      return x / (1 + std::fabs(x));
    case GateFn::kSoftplus:
      return std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0);
  }
  return x;
}

// No activation is steeper than 1, |alpha| or |alpha beta|; ThresholdedRelu, which jumps, is tested
// where it does not. Its own error: 3 ulp of sigmoid, tanh and softplus (math_impl.h), 4 with a
// factor, and the rounding of an inner product with alpha or beta.
Bounded activate(const RecurrentProblem& p, const Gate& gate, Bounded x, bool clip = true) {
  if (clip) x.value = std::min<double>(std::max<double>(x.value, -p.clip), p.clip);
  const double a = std::fabs(gate.alpha), b = std::fabs(gate.beta);
  const double slope = std::max({1.0, a, a * b});
  const double y = apply(gate, x.value);
  return {y, slope * (x.error + kUlp * std::fabs(x.value)) + 8 * kUlp * std::fabs(y) + 2 * kUlp};
}

struct Case {
  RecurrentProblem p;
  std::vector<float> projected, r, hidden_bias, peepholes, h, c;  // without padding
  bool has_peepholes = false;
  int64_t units(int64_t n, int64_t u) const { return n * p.hidden + u; }
};

Gate random_gate(Random& random, GateFn usual) {
  if (random() % 3) return {usual};
  Gate gate{static_cast<GateFn>(below(random, 11))};
  gate.alpha = 0.25f + 0.125f * static_cast<float>(below(random, 9));
  gate.beta = 0.25f + 0.125f * static_cast<float>(below(random, 9));
  // Never reached by chance: where x is within its error of alpha the result is anything.
  if (gate.fn == GateFn::kThresholdedRelu) gate.alpha = -1000;
  return gate;
}

std::vector<float> random_floats(Random& random, int64_t count, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

Case random_case(Random& random) {
  Case t;
  RecurrentProblem& p = t.p;
  p.cell = static_cast<RecurrentCell>(below(random, 4));
  p.hidden = 1 + below(random, random() % 4 ? 40 : 300);
  p.batch = 1 + below(random, random() % 4 ? 9 : 60);
  p.f = random_gate(random, p.cell == RecurrentCell::kRnn ? GateFn::kTanh : GateFn::kSigmoid);
  p.g = random_gate(random, GateFn::kTanh);
  p.h = random_gate(random, GateFn::kTanh);
  if (random() % 4 == 0) p.clip = 0.5f;
  p.input_forget = random() % 4 == 0;
  t.has_peepholes = random() % 2;
  const int64_t gates = recurrent_gates(p.cell);
  t.projected = random_floats(random, p.batch * gates * p.hidden, 2);
  t.r = random_floats(random, gates * p.hidden * p.hidden, 0.5);
  t.hidden_bias = random_floats(random, p.hidden, 1);
  t.peepholes = random_floats(random, 3 * p.hidden, 1);
  t.h = random_floats(random, p.batch * p.hidden, 1);
  t.c = random_floats(random, p.batch * p.hidden, 2);
  return t;
}

// The new h and c of row n.
class Expected {
 public:
  Expected(const Case& t, int64_t n) : t_(t), n_(n) {
    for (int64_t u = 0; u < t.p.hidden; ++u) state_.push_back({t.h[t.units(n, u)], 0});
    if (t.p.cell == RecurrentCell::kGru) {
      for (int64_t u = 0; u < t.p.hidden; ++u) {
        reset_.push_back(activate(t.p, t.p.f, gate_sum(1, u, state_)) * state_[u]);
      }
    }
  }

  // Returns h, sets *c.
  Bounded unit(int64_t u, Bounded* c) const {
    const RecurrentProblem& p = t_.p;
    const Bounded one{1, 0}, h = state_[u];
    switch (p.cell) {
      case RecurrentCell::kRnn:
        return activate(p, p.f, gate_sum(0, u, state_));
      case RecurrentCell::kLstm: {
        *c = {t_.c[t_.units(n_, u)], 0};
        const Bounded i = activate(p, p.f, peephole(0, u, *c));
        const Bounded f = p.input_forget ? one - i : activate(p, p.f, peephole(2, u, *c));
        *c = f * *c + i * activate(p, p.g, gate_sum(3, u, state_));
        return activate(p, p.f, peephole(1, u, *c)) * activate(p, p.h, *c, false);
      }
      case RecurrentCell::kGru: {
        const Bounded z = activate(p, p.f, gate_sum(0, u, state_));
        const Bounded candidate = activate(p, p.g, gate_sum(2, u, reset_));
        return z * (h - candidate) + candidate;
      }
      case RecurrentCell::kGruLinear: {
        const Bounded z = activate(p, p.f, gate_sum(0, u, state_));
        const Bounded r = activate(p, p.f, gate_sum(1, u, state_));
        const Bounded inner = product(2, u, state_, {t_.hidden_bias[u], 0});
        const Bounded candidate = activate(p, p.g, r * inner + projected(2, u));
        return z * (h - candidate) + candidate;
      }
    }
    return {};
  }

 private:
  Bounded projected(int64_t gate, int64_t u) const {
    const int64_t columns = recurrent_gates(t_.p.cell) * t_.p.hidden;
    return {t_.projected[n_ * columns + gate * t_.p.hidden + u], 0};
  }
  // start + R x. In any order of summation each term meets at most `hidden` + 3 roundings.
  Bounded product(int64_t gate, int64_t u, const std::vector<Bounded>& x, Bounded start) const {
    const int64_t hidden = t_.p.hidden;
    const float* row = t_.r.data() + (gate * hidden + u) * hidden;
    double sum = start.value, magnitude = std::fabs(start.value), error = start.error;
    for (int64_t k = 0; k < hidden; ++k) {
      sum += row[k] * x[k].value;
      magnitude += std::fabs(row[k] * x[k].value);
      error += std::fabs(row[k]) * x[k].error;
    }
    return {sum, error + magnitude * kUlp * static_cast<double>(hidden + 3)};
  }
  Bounded gate_sum(int64_t gate, int64_t u, const std::vector<Bounded>& x) const {
    return product(gate, u, x, projected(gate, u));
  }
  Bounded peephole(int64_t gate, int64_t u, Bounded c) const {
    const Bounded sum = gate_sum(gate, u, state_);
    if (!t_.has_peepholes) return sum;
    return sum + Bounded{t_.peepholes[gate * t_.p.hidden + u], 0} * c;
  }

  const Case& t_;
  int64_t n_;
  std::vector<Bounded> state_, reset_;
};

void check(Random& random, Isa isa) {
  const Case t = random_case(random);
  const RecurrentProblem& p = t.p;
  const int lanes = recurrent_lanes(isa);
  const int64_t width = padded_units(p, lanes), columns = recurrent_columns(p, lanes);
  const int64_t rows = recurrent_gates(p.cell) * p.hidden;
  const bool at_end = random() % 2;
  GuardedBuffer<float> weights(columns * p.hidden, at_end);
  pack_recurrent(p, lanes, t.r.data(), weights.data());
  const int64_t stride = columns + below(random, 3);
  GuardedBuffer<float> projected((p.batch - 1) * stride + columns, at_end);
  const std::vector<int64_t> row_of = recurrent_column_rows(p, lanes);
  for (int64_t n = 0; n < p.batch; ++n) {
    for (int64_t i = 0; i < columns; ++i) {
      projected[n * stride + i] = row_of[i] < 0 ? 0 : t.projected[n * rows + row_of[i]];
    }
  }
  const auto pad = [&](GuardedBuffer<float>& to, const std::vector<float>& from, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t u = 0; u < width; ++u) {
        to[i * width + u] = u < p.hidden ? from[i * p.hidden + u] : 0.0f;
      }
    }
  };
  GuardedBuffer<float> hidden_bias(width, at_end), peepholes(3 * width, at_end);
  GuardedBuffer<float> h(p.batch * width, at_end), c(p.batch * width, at_end);
  GuardedBuffer<float> h_next(p.batch * width, at_end), update(p.batch * width, at_end),
      reset_state(p.batch * width, at_end);
  pad(hidden_bias, t.hidden_bias, 1);
  pad(peepholes, t.peepholes, 3);
  pad(h, t.h, p.batch);
  pad(c, t.c, p.batch);
  RecurrentStep s;
  s.y_stride = p.hidden + below(random, 3);
  GuardedBuffer<float> y((p.batch - 1) * s.y_stride + p.hidden, at_end);
  std::fill_n(y.data(), y.size(), 77.0f);
  std::vector<int32_t> lengths;
  for (int64_t n = 0; n < p.batch; ++n) lengths.push_back(below(random, 10));
  s.time = 3;
  if (random() % 2) s.lengths = lengths.data();
  s.weights = weights.data(), s.projected = projected.data(), s.projected_stride = stride;
  s.hidden_bias = hidden_bias.data();
  s.peepholes = t.has_peepholes ? peepholes.data() : nullptr;
  s.h = h.data(), s.h_next = h_next.data(), s.c = c.data();
  s.update = update.data(), s.reset_state = reset_state.data(), s.y = y.data();
  for (int phase = 0; phase < recurrent_phases(p.cell); ++phase) {
    const int64_t panels = recurrent_phase(p, phase, lanes).panels, cut = panels / 2;
    recurrent_kernel(isa)(p, s, phase, cut, panels);
    recurrent_kernel(isa)(p, s, phase, 0, cut);
  }
  for (int64_t n = 0; n < p.batch; ++n) {
    const bool stays = s.lengths != nullptr && lengths[n] <= s.time;
    const Expected expected(t, n);
    for (int64_t u = 0; u < p.hidden; ++u) {
      Bounded cell{t.c[t.units(n, u)], 0}, want{t.h[t.units(n, u)], 0};
      if (!stays) want = expected.unit(u, &cell);
      const auto where = [&] {
        return std::string(isa_name(isa)) + " cell " + std::to_string(static_cast<int>(p.cell)) +
               " hidden " + std::to_string(p.hidden) + " batch " + std::to_string(p.batch) +
               " row " + std::to_string(n) + " unit " + std::to_string(u);
      };
      ASSERT_NEAR(h_next[n * width + u], want.value, want.error) << where();
      ASSERT_EQ(y[n * s.y_stride + u], stays ? 0 : h_next[n * width + u]) << where();
      ASSERT_NEAR(c[n * width + u], cell.value, cell.error) << where();
    }
  }
  for (int64_t n = 0; n + 1 < p.batch; ++n) {
    for (int64_t u = p.hidden; u < s.y_stride; ++u) ASSERT_EQ(y[n * s.y_stride + u], 77);
  }
}

TEST(Recurrent, RandomStepsAgreeWithReference) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 300; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

// Everything that a row of the matrix may be is packed once.
TEST(Recurrent, ColumnsHoldEveryRowOnce) {
  for (const RecurrentCell cell : {RecurrentCell::kRnn, RecurrentCell::kGru,
                                   RecurrentCell::kGruLinear, RecurrentCell::kLstm}) {
    RecurrentProblem p;
    p.cell = cell, p.hidden = 13;
    std::vector<int> seen(static_cast<size_t>(recurrent_gates(cell) * p.hidden), 0);
    const auto rows = recurrent_column_rows(p, 8);
    EXPECT_EQ(static_cast<int64_t>(rows.size()), recurrent_columns(p, 8));
    for (int64_t row : rows) {
      if (row >= 0) ++seen[static_cast<size_t>(row)];
    }
    for (int count : seen) EXPECT_EQ(count, 1);
  }
}

}  // namespace
}  // namespace hone::cpu

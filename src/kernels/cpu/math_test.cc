// The vector functions against double precision: error in units in the last place over dense scans
// of the float range, and the special values.
#include <cmath>
#include <limits>

#include "kernels/cpu/kernel_test_util.h"
#include "kernels/cpu/pointwise.h"

namespace hone::cpu {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

// Distance from `value` to `exact` in units of the spacing of floats at `exact`.
double ulp_error(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(value) ? 0 : 1e30;
  if (std::isinf(rounded) || std::isinf(value)) return value == rounded ? 0 : 1e30;
  const float magnitude = std::fabs(rounded);
  const double spacing =
      static_cast<double>(std::nextafter(magnitude, kInf)) - static_cast<double>(magnitude);
  return std::fabs(value - exact) / spacing;
}

struct Case {
  PointwiseFn fn;
  double (*exact)(double);
  float low, high;  // |x| up to these, negative and positive side
  double max_ulp;   // stated in math_impl.h
  double max_abs;   // an absolute error up to this passes too
};

double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double exact_softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }
double exact_exp(double x) { return std::exp(x); }
double exact_log(double x) { return std::log(x); }
double exact_tanh(double x) { return std::tanh(x); }
double exact_erf(double x) { return std::erf(x); }
double exact_erfc(double x) { return std::erfc(x); }
double exact_sin(double x) { return std::sin(x); }
double exact_cos(double x) { return std::cos(x); }
double exact_selu(double x) {
  return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * std::expm1(x) : x);
}

double exact_gelu(double x) { return x * 0.5 * std::erfc(-x * std::sqrt(0.5)); }
double exact_gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}
double exact_mish(double x) { return x * std::tanh(exact_softplus(x)); }

constexpr float kBig = 3e38f;
const Case kCases[] = {
    {PointwiseFn::kExp, exact_exp, kBig, kBig, 1.1, 0},
    {PointwiseFn::kLog, exact_log, 0, kBig, 1.5, 0},
    {PointwiseFn::kSigmoid, exact_sigmoid, kBig, kBig, 3, 0},
    {PointwiseFn::kTanh, exact_tanh, kBig, kBig, 3, 0},
    {PointwiseFn::kErf, exact_erf, kBig, kBig, 2, 0},
    {PointwiseFn::kErfc, exact_erfc, kBig, kBig, 5, 0},
    {PointwiseFn::kSoftplus, exact_softplus, kBig, kBig, 3, 0},
    {PointwiseFn::kSelu, exact_selu, kBig, 1e38f, 4, 0},
    // Below 0, 1 + erf cancels; e^x is denormal below -87.
    {PointwiseFn::kGelu, exact_gelu, kBig, kBig, 4, 1e-6},
    {PointwiseFn::kGeluTanh, exact_gelu_tanh, kBig, kBig, 4, 1e-6},
    {PointwiseFn::kMish, exact_mish, kBig, kBig, 5, 1e-35},
    {PointwiseFn::kSin, exact_sin, 40000, 40000, 1.5, 1e-7},
    {PointwiseFn::kCos, exact_cos, 40000, 40000, 1.5, 1e-7},
};

void run_one(PointwiseRun run, PointwiseFn fn, const std::vector<float>& x, std::vector<float>* y) {
  PointwiseProgram program;
  program.num_inputs = 1;
  program.add(fn, 0);
  const PointwiseOperand operand{x.data(), 0, 1};
  y->resize(x.size());
  run(program, 1, static_cast<int64_t>(x.size()), y->data(), 0, &operand);
}

// Floats spread evenly over their bit patterns from 0 to `limit` (so every binade, denormals
// included), with a random start.
std::vector<float> spread(float limit, uint32_t step, std::mt19937& random) {
  uint32_t last;
  std::memcpy(&last, &limit, sizeof(last));
  std::vector<float> values;
  for (uint64_t bits = random() % step; bits <= last; bits += step) {
    const uint32_t b = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &b, sizeof(value));
    values.push_back(value);
  }
  return values;
}

TEST(VectorMath, ErrorIsWithinTheStatedBound) {
  std::mt19937 random(test_seed());
  for (const Isa isa : testable_isas()) {
    const PointwiseRun run = pointwise_kernel(isa);
    for (const Case& test : kCases) {
      // The portable form is slow: fewer points.
      const uint32_t step = isa == Isa::kPortable ? 50021 : 1009;
      std::vector<float> x = spread(test.high, step, random);
      for (const float v : spread(test.low, step, random)) x.push_back(-v);
      std::vector<float> y;
      run_one(run, test.fn, x, &y);
      double worst = 0;
      size_t worst_at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = test.exact(x[i]);
        if (std::fabs(y[i] - exact) <= test.max_abs) continue;
        const double error = ulp_error(y[i], exact);
        if (error > worst) worst = error, worst_at = i;
      }
      EXPECT_LE(worst, test.max_ulp)
          << isa_name(isa) << " " << pointwise_name(test.fn) << "(" << x[worst_at]
          << ") = " << y[worst_at] << ", exact " << test.exact(x[worst_at]);
      std::printf("%-9s %-9s %.2f ulp at %g\n", isa_name(isa), pointwise_name(test.fn), worst,
                  static_cast<double>(x[worst_at]));
    }
  }
}

// x * Sigmoid(x) runs as one function of its own: 4 ulp, down to values that are as good as 0.
TEST(VectorMath, SiluInOneStep) {
  PointwiseProgram program;
  program.num_inputs = 1;
  const int sigmoid = program.add(PointwiseFn::kSigmoid, 0);
  program.add(PointwiseFn::kMul, 0, sigmoid);
  std::mt19937 random(test_seed());
  for (const Isa isa : testable_isas()) {
    const uint32_t step = isa == Isa::kPortable ? 50021 : 1009;
    std::vector<float> x = spread(kBig, step, random);
    for (const float v : spread(kBig, step, random)) x.push_back(-v);
    for (const float v : {kInf, -kInf, kNan}) x.push_back(v);
    std::vector<float> y(x.size());
    const PointwiseOperand operand{x.data(), 0, 1};
    pointwise_kernel(isa)(program, 1, static_cast<int64_t>(x.size()), y.data(), 0, &operand);
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = static_cast<double>(x[i]) * exact_sigmoid(x[i]);
      if (std::fabs(y[i] - exact) <= 1e-36) continue;
      ASSERT_LE(ulp_error(y[i], exact), 4) << isa_name(isa) << " at " << x[i] << ": " << y[i];
    }
  }
}

TEST(VectorMath, SpecialValues) {
  const std::vector<float> x = {kInf, -kInf, kNan, 0.0f, -0.0f, 1e-45f, -1e-45f, -1.0f};
  const float log_denormal = std::log(1e-45f);
  struct Special {
    PointwiseFn fn;
    std::vector<float> y;
  };
  const Special specials[] = {
      {PointwiseFn::kExp, {kInf, 0, kNan, 1, 1, 1, 1, std::exp(-1.0f)}},
      {PointwiseFn::kLog, {kInf, kNan, kNan, -kInf, -kInf, log_denormal, kNan, kNan}},
      {PointwiseFn::kSigmoid, {1, 0, kNan, 0.5f, 0.5f, 0.5f, 0.5f, 0.26894143f}},
      {PointwiseFn::kTanh, {1, -1, kNan, 0, -0.0f, 1e-45f, -1e-45f, std::tanh(-1.0f)}},
      {PointwiseFn::kErf, {1, -1, kNan, 0, -0.0f, 1e-45f, -1e-45f, std::erf(-1.0f)}},
      {PointwiseFn::kErfc, {0, 2, kNan, 1, 1, 1, 1, std::erfc(-1.0f)}},
      {PointwiseFn::kSoftplus,
       {kInf, 0, kNan, 0.6931472f, 0.6931472f, 0.6931472f, 0.6931472f, 0.3132617f}},
      {PointwiseFn::kRelu, {kInf, 0, kNan, 0, 0, 1e-45f, 0, 0}},
      {PointwiseFn::kSign, {1, -1, kNan, 0, 0, 1, -1, -1}},
      {PointwiseFn::kSin, {kNan, kNan, kNan, 0, -0.0f, 1e-45f, -1e-45f, std::sin(-1.0f)}},
  };
  for (const Isa isa : testable_isas()) {
    for (const Special& special : specials) {
      std::vector<float> y;
      run_one(pointwise_kernel(isa), special.fn, x, &y);
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_LE(ulp_error(y[i], special.y[i]), 3)
            << isa_name(isa) << " " << pointwise_name(special.fn) << "(" << x[i] << ") = " << y[i];
      }
    }
  }
}

}  // namespace
}  // namespace hone::cpu

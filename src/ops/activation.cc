// Activation functions. Parameters are further inputs (usually scalar constants), never attributes.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752440;       // sqrt(1/2)
constexpr double kSqrtTwoOverPi = 0.79788456080286535588;  // sqrt(2/pi)
constexpr double kSeluAlpha = 1.67326319217681884765625;
constexpr double kSeluGamma = 1.05070102214813232421875;

template <class T>
T relu(T x) {
  return x > 0 || x != x ? x : T(0);
}
template <class T>
T clip01(T x) {
  return x < 0 ? T(0) : x > 1 ? T(1) : x;
}
// log(1 + e^x) without overflow.
template <class T>
T softplus(T x) {
  return relu(x) + std::log1p(std::exp(-std::fabs(x)));
}
template <class T>
T gelu_tanh(T x) {
  return T(0.5) * x * (1 + std::tanh(T(kSqrtTwoOverPi) * (x + T(0.044715) * x * x * x)));
}

}  // namespace

std::vector<OpDef> activation_ops() {
  return {
      pointwise_op("Relu", "max(x, 0)", [](auto x) { return relu(x); },
                   {.domain = Domain::kNumber}),
      pointwise_float_op("Sigmoid", "1 / (1 + e^-x)",
                         [](auto x) { return 1 / (1 + std::exp(-x)); }),
      pointwise_float_op("Softplus", "log(1 + e^x)", [](auto x) { return softplus(x); }),
      pointwise_float_op("Softsign", "x / (1 + |x|)",
                         [](auto x) { return x / (1 + std::fabs(x)); }),
      pointwise_float_op("Elu", "x, below 0 alpha * (e^x - 1); inputs x, alpha",
                         [](auto x, auto alpha) { return x < 0 ? alpha * std::expm1(x) : x; }),
      pointwise_float_op("Celu", "x, below 0 alpha * (e^(x/alpha) - 1); inputs x, alpha",
                         [](auto x, auto alpha) {
                           return relu(x) +
                                  (x < 0 ? alpha * std::expm1(x / alpha) : decltype(x)(0));
                         }),
      pointwise_float_op("LeakyRelu",
                         "x, below 0 alpha * x; inputs x, alpha (PRelu: alpha broadcasts)",
                         [](auto x, auto alpha) { return x < 0 ? alpha * x : x; }),
      pointwise_float_op("Selu", "scaled Elu with the constants of ONNX",
                         [](auto x) {
                           using T = decltype(x);
                           return T(kSeluGamma) * (x < 0 ? T(kSeluAlpha) * std::expm1(x) : x);
                         }),
      pointwise_float_op("HardSigmoid", "alpha * x + beta, cut to [0, 1]; inputs x, alpha, beta",
                         [](auto x, auto alpha, auto beta) { return clip01(alpha * x + beta); }),
      pointwise_float_op("HardSwish", "x * HardSigmoid(x, 1/6, 1/2)",
                         [](auto x) { return x * clip01(x / 6 + decltype(x)(0.5)); }),
      pointwise_float_op("Mish", "x * tanh(Softplus(x))",
                         [](auto x) { return x * std::tanh(softplus(x)); }),
      pointwise_float_op("Gelu", "x * (1 + Erf(x / sqrt(2))) / 2",
                         [](auto x) {
                           using T = decltype(x);
                           return T(0.5) * x * std::erfc(-x * T(kSqrtHalf));
                         }),
      pointwise_float_op("GeluTanh", "Gelu by its approximation with tanh",
                         [](auto x) { return gelu_tanh(x); }),
  };
}

}  // namespace hone

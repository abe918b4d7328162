// Activation functions. Hone takes their parameters as scalar inputs.
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

Values elu(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 1.0);
  return {call.emit("Elu", {x, call.scalar_like(x, alpha)})};
}

Values celu(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 1.0);
  return {call.emit("Celu", {x, call.scalar_like(x, alpha)})};
}

// gamma * (x, below 0 alpha * (e^x - 1)).
Values selu(Call& call) {
  Value* x = call.input(0);
  if (!call.has("alpha") && !call.has("gamma")) return {call.emit("Selu", {x})};
  const double alpha = call.real("alpha", 1.67326319217681884765625);
  const double gamma = call.real("gamma", 1.05070102214813232421875);
  Value* elu = call.emit("Elu", {x, call.scalar_like(x, alpha)});
  return {call.emit("Mul", {elu, call.scalar_like(x, gamma)})};
}

Values leaky_relu(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 0.01);
  return {call.emit("LeakyRelu", {x, call.scalar_like(x, alpha)})};
}

// The slope broadcasts to x.
Values prelu(Call& call) {
  Value* x = call.input(0);
  Value* slope = call.input(1);
  return {call.emit("LeakyRelu", {x, slope})};
}

Values thresholded_relu(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 1.0);
  Value* above = call.emit("Greater", {x, call.scalar_like(x, alpha)});
  return {call.emit("Where", {above, x, call.scalar_like(x, 0)})};
}

Values hard_sigmoid(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 0.2);
  const double beta = call.real("beta", 0.5);
  return {call.emit("HardSigmoid", {x, call.scalar_like(x, alpha), call.scalar_like(x, beta)})};
}

Values gelu(Call& call) {
  Value* x = call.input(0);
  const std::string approximate = call.text("approximate", "none");
  if (approximate == "none") return {call.emit("Gelu", {x})};
  if (approximate == "tanh") return {call.emit("GeluTanh", {x})};
  call.bad_model("attribute 'approximate' is neither none nor tanh");
}

// x * Sigmoid(alpha * x).
Values swish(Call& call) {
  Value* x = call.input(0);
  const double alpha = call.real("alpha", 1.0);
  Value* scaled = alpha == 1 ? x : call.emit("Mul", {x, call.scalar_like(x, alpha)});
  return {call.emit("Mul", {x, call.emit("Sigmoid", {scaled})})};
}

// x + bias below -lambd, x - bias above lambd, else 0.
Values shrink(Call& call) {
  Value* x = call.input(0);
  const double lambd = call.real("lambd", 0.5);
  const double bias = call.real("bias", 0.0);
  Value* offset = call.scalar_like(x, bias);
  Value* above = call.emit("Greater", {x, call.scalar_like(x, lambd)});
  Value* below = call.emit("Less", {x, call.scalar_like(x, -lambd)});
  Value* high = call.emit("Where", {above, call.emit("Sub", {x, offset}), call.scalar_like(x, 0)});
  return {call.emit("Where", {below, call.emit("Add", {x, offset}), high})};
}

// Min(max, Max(x, min)): attributes before opset 11, inputs from then on.
Values clip(Call& call) {
  Value* x = call.input(0);
  Value* low = call.optional(1);
  Value* high = call.optional(2);
  if (call.opset() < 11) {
    if (call.has("min")) low = call.scalar_like(x, call.real("min"));
    if (call.has("max")) high = call.scalar_like(x, call.real("max"));
  }
  Value* result = x;
  if (low) result = call.emit("Max", {result, low});
  if (high) result = call.emit("Min", {result, high});
  return {result};
}

}  // namespace

std::vector<ImportRow> activation_rows() {
  return {
      {"Celu", celu, 1, 1, 12},
      {"Clip", clip, 1, 3},
      {"Elu", elu},
      {"Gelu", gelu, 1, 1, 20},
      {"HardSigmoid", hard_sigmoid},
      {"HardSwish", same_operator, 1, 1, 14},
      {"LeakyRelu", leaky_relu},
      {"Mish", same_operator, 1, 1, 18},
      {"PRelu", prelu, 2, 2},
      {"Relu", same_operator},
      {"Selu", selu},
      {"Shrink", shrink, 1, 1, 9},
      {"Sigmoid", same_operator},
      {"Softplus", same_operator},
      {"Softsign", same_operator},
      {"Swish", swish, 1, 1, 24},
      {"Tanh", same_operator},
      {"ThresholdedRelu", thresholded_relu, 1, 1, 10},
  };
}

}  // namespace hone::onnx

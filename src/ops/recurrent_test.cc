// LSTM, GRU and RNN against values worked out by hand.
#include "ops/recurrent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ops/ops.h"

namespace hone {
namespace {

using testing::HasSubstr;

Tensor floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return Tensor::from<float>(std::move(shape), values);
}
const Tensor kAbsent = floats({0}, {});

std::vector<Tensor> run(const char* name, const Attributes& attributes,
                        const std::vector<Tensor>& inputs) {
  auto result = evaluate_reference(op(name), attributes, {}, inputs);
  EXPECT_TRUE(result.ok()) << name << ": " << result.status().message();
  return result.ok() ? *result : std::vector<Tensor>(3);
}

std::string error(const char* name, const Attributes& attributes,
                  const std::vector<Tensor>& inputs) {
  const auto result = evaluate_reference(op(name), attributes, {}, inputs);
  return result.ok() ? "" : result.status().message();
}

void expect_near(const Tensor& found, const std::vector<double>& wanted) {
  const auto values = found.as_doubles();
  ASSERT_EQ(values->size(), wanted.size());
  // One rounding to FP32.
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR((*values)[i], wanted[i], 1e-7) << i;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One unit, one feature: w = 0.5, r = 1, biases 0.1 and 0.2, h = 0 at first.
TEST(RecurrentOps, RnnForwardAndReverse) {
  const std::vector<Tensor> inputs = {floats({2, 1, 1}, {1, -2}), floats({1, 1, 1}, {0.5}),
                                      floats({1, 1, 1}, {1}), floats({1, 2}, {0.1f, 0.2f})};
  const double a = std::tanh(0.8), b = std::tanh(-0.7 + a);
  auto y = run("RNN", RecurrentAttributes{}, inputs);
  expect_near(y[0], {a, b});
  expect_near(y[1], {b});
  const double c = std::tanh(-0.7), d = std::tanh(0.8 + c);
  y = run("RNN", RecurrentAttributes{.direction = "reverse"}, inputs);
  expect_near(y[0], {d, c});
  expect_near(y[1], {d});
}

// Gates i, o, f, c with w = 1, 2, 3, 4, r = 0, x = 0.1, c = 0.5, peepholes 1, 2, 3.
TEST(RecurrentOps, LstmWithPeepholes) {
  std::vector<Tensor> inputs = {floats({1, 1, 1}, {0.1f}),
                                floats({1, 4, 1}, {1, 2, 3, 4}),
                                floats({1, 4, 1}, {0, 0, 0, 0}),
                                kAbsent,
                                kAbsent,
                                kAbsent,
                                floats({1, 1, 1}, {0.5}),
                                floats({1, 3}, {1, 2, 3})};
  const double x = 0.1f;
  const double i = sigmoid(x + 0.5), f = sigmoid(3 * x + 1.5), g = std::tanh(4 * x);
  double c = f * 0.5 + i * g;
  auto y = run("LSTM", LstmAttributes{}, inputs);
  expect_near(y[2], {c});
  expect_near(y[0], {sigmoid(2 * x + 2 * c) * std::tanh(c)});
  LstmAttributes coupled;
  coupled.input_forget = true;
  coupled.clip = 0.25;  // of the sums, not of the cell
  c = (1 - sigmoid(0.25)) * 0.5 + sigmoid(0.25) * std::tanh(0.25);
  y = run("LSTM", coupled, inputs);
  expect_near(y[2], {c});
  expect_near(y[0], {sigmoid(0.25) * std::tanh(c)});
}

// Gates z, r, h with w = 1, 2, 3, r = 4, 5, 6, state bias of h 0.5.
TEST(RecurrentOps, GruResetsBeforeOrAfter) {
  const std::vector<Tensor> inputs = {floats({1, 1, 1}, {0.25f}),
                                      floats({1, 3, 1}, {1, 2, 3}),
                                      floats({1, 3, 1}, {4, 5, 6}),
                                      floats({1, 6}, {0, 0, 0, 0, 0, 0.5}),
                                      kAbsent,
                                      floats({1, 1, 1}, {-0.5})};
  const double z = sigmoid(0.25 - 2), r = sigmoid(0.5 - 2.5), h = -0.5;
  const double before = std::tanh(0.75 + 6 * r * h + 0.5);
  expect_near(run("GRU", GruAttributes{}, inputs)[0], {(1 - z) * before + z * h});
  GruAttributes after;
  after.linear_before_reset = true;
  const double candidate = std::tanh(0.75 + r * (6 * h + 0.5));
  expect_near(run("GRU", after, inputs)[1], {(1 - z) * candidate + z * h});
}

// Sequences of 3 steps, of 1 and of none; h = h + x.
TEST(RecurrentOps, SequencesEndEarly) {
  RecurrentAttributes sums{.direction = "bidirectional", .activations = "Affine,Affine"};
  const std::vector<Tensor> inputs = {floats({3, 3, 1}, {1, 10, 100, 2, 20, 200, 3, 30, 300}),
                                      floats({2, 1, 1}, {1, 1}),
                                      floats({2, 1, 1}, {1, 1}),
                                      kAbsent,
                                      Tensor::from<int32_t>({3}, {3, 1, 0}),
                                      floats({2, 3, 1}, {0, 0, 7, 0, 0, 8})};
  auto y = run("RNN", sums, inputs);
  expect_near(y[0], {1, 10, 0, 6, 10, 0, 3, 0, 0, 5, 0, 0, 6, 0, 0, 3, 0, 0});
  expect_near(y[1], {6, 10, 0, 6, 10, 0});
  sums.batch_major = true;
  std::vector<Tensor> turned = inputs;
  turned[0] = floats({3, 3, 1}, {1, 2, 3, 10, 20, 30, 100, 200, 300});
  turned[5] = floats({3, 2, 1}, {0, 0, 0, 0, 7, 8});
  y = run("RNN", sums, turned);
  expect_near(y[0], {1, 6, 3, 5, 6, 3, 10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  expect_near(y[1], {6, 6, 10, 10, 0, 0});
  turned[4] = Tensor::from<int32_t>({3}, {3, 4, 0});
  EXPECT_THAT(error("RNN", sums, turned), HasSubstr("sequence_lens has 4 for 3 steps"));
  turned[4] = Tensor::from<int32_t>({3}, {3, -1, 0});
  EXPECT_THAT(error("RNN", sums, turned), HasSubstr("sequence_lens has -1"));
}

TEST(RecurrentOps, Activations) {
  const auto value = [](const char* name, double x) {
    const GateFunctionInfo* info = find_gate_function(name);
    return GateActivation{info->function, info->alpha, info->beta}(x);
  };
  EXPECT_DOUBLE_EQ(value("relu", -2), 0);
  EXPECT_DOUBLE_EQ(value("Affine", -2), -2);
  EXPECT_DOUBLE_EQ(value("LeakyRelu", -2), -0.02);
  EXPECT_DOUBLE_EQ(value("ThresholdedRelu", 1), 0);
  EXPECT_DOUBLE_EQ(value("ThresholdedRelu", 1.5), 1.5);
  EXPECT_DOUBLE_EQ(value("ScaledTanh", 0.5), std::tanh(0.5));
  EXPECT_DOUBLE_EQ(value("HardSigmoid", 1), 0.7);
  EXPECT_DOUBLE_EQ(value("HardSigmoid", 9), 1);
  EXPECT_DOUBLE_EQ(value("Elu", -1), std::expm1(-1));
  EXPECT_DOUBLE_EQ(value("Softsign", -3), -0.75);
  EXPECT_DOUBLE_EQ(value("Softplus", 0), std::log(2.0));
  EXPECT_EQ(find_gate_function("Swish"), nullptr);
}

TEST(RecurrentOps, WrongAttributesAndInputs) {
  const std::vector<Tensor> inputs = {floats({1, 1, 1}, {1}), floats({1, 1, 1}, {1}),
                                      floats({1, 1, 1}, {1})};
  EXPECT_THAT(error("RNN", RecurrentAttributes{.direction = "up"}, inputs),
              HasSubstr("direction is \"up\""));
  EXPECT_THAT(error("RNN", RecurrentAttributes{.activations = "Swish"}, inputs),
              HasSubstr("no activation \"Swish\""));
  EXPECT_THAT(error("RNN", RecurrentAttributes{.activations = "Relu,Relu"}, inputs),
              HasSubstr("it has 2 activations"));
  EXPECT_THAT(error("RNN", RecurrentAttributes{.clip = -1}, inputs), HasSubstr("clip"));
  EXPECT_THAT(error("RNN", RecurrentAttributes{.direction = "bidirectional"}, inputs),
              HasSubstr("the weights (input 1)"));
  EXPECT_THAT(error("LSTM", LstmAttributes{}, inputs), HasSubstr("1 is not 4"));
  std::vector<Tensor> wrong = inputs;
  wrong[2] = Tensor::from<double>({1, 1, 1}, {1});
  EXPECT_THAT(error("RNN", RecurrentAttributes{}, wrong), HasSubstr("has dtype f64"));
  wrong = inputs;
  wrong.push_back(kAbsent);
  wrong.push_back(Tensor::from<int64_t>({1}, {1}));
  EXPECT_THAT(error("RNN", RecurrentAttributes{}, wrong), HasSubstr("is not i32"));
}

}  // namespace
}  // namespace hone

// Each group of operators: a node, its inputs, the expected output by hand.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "graph/evaluate.h"
#include "graph/verify.h"
#include "importers/onnx/import.h"
#include "importers/onnx/onnx_test_util.h"

namespace hone {
namespace {

using onnx::ModelWriter;
using onnx::TestAttribute;
using onnx::TestFolder;
using Ints = std::vector<int64_t>;
using NamedAttributes = std::vector<std::pair<std::string, TestAttribute>>;

// An input of the node: a graph input, a constant, or absent.
struct Argument {
  std::optional<Tensor> tensor;
  bool is_constant = false;
};
Argument in(std::vector<int64_t> shape, const std::vector<float>& values) {
  return {Tensor::from<float>(std::move(shape), values)};
}
Argument constant(std::vector<int64_t> shape, const std::vector<float>& values) {
  return {Tensor::from<float>(std::move(shape), values), true};
}
Argument ints(const Ints& values) {
  return {Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values), true};
}
const Argument kAbsent;

// The outputs of one node; errors as a failed test.
std::vector<Tensor> run(int64_t opset, const std::string& op, const NamedAttributes& attributes,
                        const std::vector<Argument>& arguments, int num_outputs = 1) {
  ModelWriter model(opset);
  onnx::TestNode node{op, {}, {}, attributes};
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    node.inputs.push_back(argument.tensor ? fmt::format("x{}", i) : "");
    if (!argument.tensor) continue;
    if (argument.is_constant) {
      model.initializer(node.inputs.back(), *argument.tensor);
      continue;
    }
    // The first dimension is dynamic, the same for inputs of one size; a 1 may be broadcast.
    std::string dims;
    for (int d = 0; d < argument.tensor->rank(); ++d) {
      const int64_t dim = argument.tensor->dim(d);
      if (d > 0) dims += ",";
      dims += d == 0 && dim != 1 ? fmt::format("N{}", dim) : std::to_string(dim);
    }
    model.input(node.inputs.back(), dims, argument.tensor->dtype());
    inputs.push_back(*argument.tensor);
  }
  for (int i = 0; i < num_outputs; ++i) {
    node.outputs.push_back(fmt::format("y{}", i));
    model.output(node.outputs.back());
  }
  model.node(node);
  TestFolder folder;
  auto graph = import_onnx(folder.write("model.onnx", model.bytes()));
  if (!graph.ok()) {
    ADD_FAILURE() << graph.status().message();
    return std::vector<Tensor>(num_outputs);
  }
  EXPECT_TRUE(verify(*graph).ok()) << verify(*graph).message();
  auto outputs = evaluate_graph(*graph, inputs);
  if (outputs.ok()) return *outputs;
  ADD_FAILURE() << outputs.status().message();
  return std::vector<Tensor>(num_outputs);
}

// Values are small and computed in a few steps: 1e-6 relative is some 8 roundings of FP32.
void expect_near(const Tensor& found, const std::vector<int64_t>& shape,
                 const std::vector<double>& wanted) {
  ASSERT_EQ(found.shape(), shape);
  const auto values = found.as_doubles();
  ASSERT_TRUE(values && values->size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR((*values)[i], wanted[i], 1e-6 * std::max(1.0, std::fabs(wanted[i]))) << "at " << i;
  }
}

TEST(OnnxOperators, Activations) {
  const Argument x = in({1, 3}, {-2, 0, 3});
  expect_near(run(17, "LeakyRelu", {{"alpha", 0.5f}}, {x})[0], {1, 3}, {-1, 0, 3});
  expect_near(run(17, "PRelu", {}, {x, constant({3}, {2, 1, 1})})[0], {1, 3}, {-4, 0, 3});
  expect_near(run(17, "ThresholdedRelu", {{"alpha", 2.0f}}, {x})[0], {1, 3}, {0, 0, 3});
  expect_near(run(17, "HardSigmoid", {}, {x})[0], {1, 3}, {0.1, 0.5, 1});
  expect_near(run(17, "Elu", {{"alpha", 2.0f}}, {x})[0], {1, 3}, {2 * std::expm1(-2), 0, 3});
  expect_near(run(17, "Selu", {{"alpha", 2.0f}, {"gamma", 3.0f}}, {x})[0], {1, 3},
              {6 * std::expm1(-2), 0, 9});
  expect_near(run(20, "Gelu", {}, {x})[0], {1, 3},
              {-2 * 0.5 * std::erfc(std::sqrt(2.0)), 0, 1.5 * std::erfc(-3 / std::sqrt(2.0))});
  expect_near(run(9, "Clip", {{"max", 1.0f}}, {x})[0], {1, 3}, {-2, 0, 1});
  expect_near(run(13, "Clip", {}, {x, kAbsent, constant({}, {1})})[0], {1, 3}, {-2, 0, 1});
  expect_near(run(13, "Clip", {}, {x, constant({}, {-1})})[0], {1, 3}, {-1, 0, 3});
  expect_near(run(17, "Shrink", {{"lambd", 1.0f}, {"bias", 0.5f}}, {x})[0], {1, 3}, {-1.5, 0, 2.5});
}

TEST(OnnxOperators, Math) {
  const Argument a = in({1, 2}, {5, -7}), b = constant({1, 2}, {3, 3});
  expect_near(run(17, "Sum", {}, {a, b, b})[0], {1, 2}, {11, -1});
  expect_near(run(17, "Mean", {}, {a, b})[0], {1, 2}, {4, -2});
  expect_near(run(17, "Max", {}, {a, b})[0], {1, 2}, {5, 3});
  expect_near(run(17, "Max", {}, {a})[0], {1, 2}, {5, -7});
  expect_near(run(17, "Mod", {{"fmod", int64_t{1}}}, {a, b})[0], {1, 2}, {2, -1});
  expect_near(run(17, "Pow", {}, {a, ints({2, 3})})[0], {1, 2}, {25, -343});
  const Argument i{Tensor::from<int64_t>({2}, {5, -7})};
  EXPECT_EQ(run(17, "Mod", {}, {i, ints({3, 3})})[0], Tensor::from<int64_t>({2}, {2, 2}));
  EXPECT_EQ(run(17, "Less", {}, {a, b})[0], Tensor::from<bool>({1, 2}, {false, true}));
  const Argument infinite = in({3}, {INFINITY, -INFINITY, 1});
  EXPECT_EQ(run(17, "IsInf", {{"detect_negative", int64_t{0}}}, {infinite})[0],
            Tensor::from<bool>({3}, {true, false, false}));
}

TEST(OnnxOperators, MatMul) {
  const Argument a = in({2, 2}, {1, 2, 3, 4}), b = constant({2, 2}, {1, 0, 2, 1});
  expect_near(run(17, "MatMul", {}, {a, b})[0], {2, 2}, {5, 2, 11, 4});
  const NamedAttributes all = {
      {"alpha", 2.0f}, {"beta", 10.0f}, {"transA", int64_t{1}}, {"transB", int64_t{1}}};
  // a^T = {1,3; 2,4}, b^T = {1,2; 0,1}, product {1,5; 2,8}
  expect_near(run(17, "Gemm", all, {a, b, constant({2}, {1, 2})})[0], {2, 2}, {12, 30, 14, 36});
}

TEST(OnnxOperators, Conv) {
  // Two channels of 1x3, kernel 1x2 over both, stride 1.
  const Argument x = in({1, 2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const Argument w = constant({1, 2, 1, 2}, {1, 10, 100, 1000});
  expect_near(run(17, "Conv", {{"kernel_shape", Ints{1, 2}}}, {x, w, constant({1}, {0.5f})})[0],
              {1, 1, 1, 2}, {5421.5, 6532.5});
  expect_near(run(17, "Conv", {{"auto_pad", std::string("SAME_UPPER")}}, {x, w})[0], {1, 1, 1, 3},
              {5421, 6532, 603});
  expect_near(run(17, "Conv", {{"group", int64_t{2}}}, {x, constant({2, 1, 1, 1}, {1, 10})})[0],
              {1, 2, 1, 3}, {1, 2, 3, 40, 50, 60});
}

TEST(OnnxOperators, ConvTranspose) {
  // One row 1 2, of two channels, with kernel (1, 10) and stride 2; two output channels.
  const Argument x = in({1, 2, 1, 2}, {1, 2, 3, 4});
  const Argument w = constant({2, 2, 1, 2}, {1, 10, 2, 20, 100, 1000, 200, 2000});
  const NamedAttributes two = {{"strides", Ints{1, 2}}};
  expect_near(run(17, "ConvTranspose", two, {x, w, constant({2}, {0.5f, 0})})[0], {1, 2, 1, 4},
              {301.5, 3010.5, 402.5, 4020.5, 602, 6020, 804, 8040});
  expect_near(run(17, "ConvTranspose", {{"strides", Ints{1, 2}}, {"output_shape", Ints{1, 3}}},
                  {x, constant({2, 1, 1, 2}, {1, 10, 100, 1000})})[0],
              {1, 1, 1, 3}, {3010, 402, 4020});
  expect_near(run(17, "ConvTranspose", {{"strides", Ints{1, 2}}, {"group", int64_t{2}}},
                  {x, constant({2, 1, 1, 2}, {1, 10, 100, 1000})})[0],
              {1, 2, 1, 4}, {1, 10, 2, 20, 300, 3000, 400, 4000});
}

TEST(OnnxOperators, Resize) {
  const Argument x = in({1, 1, 1, 2}, {1, 3});
  const Argument twice = constant({4}, {1, 1, 1, 2});
  const NamedAttributes linear = {{"mode", std::string("linear")}};
  expect_near(run(13, "Resize", linear, {x, kAbsent, twice})[0], {1, 1, 1, 4}, {1, 1.5, 2.5, 3});
  expect_near(run(13, "Resize", {}, {x, kAbsent, kAbsent, ints({1, 1, 2, 3})})[0], {1, 1, 2, 3},
              {1, 1, 3, 1, 1, 3});
  // Older ones place elements at i / scale.
  expect_near(run(10, "Resize", linear, {x, twice})[0], {1, 1, 1, 4}, {1, 2, 3, 3});
  expect_near(run(9, "Upsample", {}, {x, twice})[0], {1, 1, 1, 4}, {1, 1, 3, 3});
}

TEST(OnnxOperators, Pools) {
  const Argument x = in({1, 2, 3}, {1, 2, 3, 6, 5, 4});
  const NamedAttributes two = {{"kernel_shape", Ints{2}}};
  expect_near(run(17, "MaxPool", two, {x})[0], {1, 2, 2}, {2, 3, 6, 5});
  expect_near(run(17, "AveragePool", two, {x})[0], {1, 2, 2}, {1.5, 2.5, 5.5, 4.5});
  const NamedAttributes padded = {{"kernel_shape", Ints{2}},
                                  {"pads", Ints{1, 0}},
                                  {"strides", Ints{2}},
                                  {"count_include_pad", int64_t{1}}};
  expect_near(run(17, "AveragePool", padded, {x})[0], {1, 2, 2}, {0.5, 2.5, 3, 4.5});
  expect_near(run(17, "GlobalAveragePool", {}, {x})[0], {1, 2, 1}, {2, 5});
  expect_near(run(17, "GlobalMaxPool", {}, {x})[0], {1, 2, 1}, {3, 6});
}

TEST(OnnxOperators, Normalization) {
  const Argument x = in({1, 2, 2}, {1, 3, 2, 6});
  auto parameters = [&](bool is_constant) {
    std::vector<Argument> list = {x, constant({2}, {2, 1}), constant({2}, {1, 0}),
                                  constant({2}, {1, 2}), constant({2}, {3, 15})};
    for (size_t i = 1; i < list.size(); ++i) list[i].is_constant = is_constant;
    return list;
  };
  for (bool is_constant : {true, false}) {
    // 2 * (x - 1) / sqrt(3 + 1) + 1; (x - 2) / sqrt(15 + 1)
    expect_near(run(15, "BatchNormalization", {{"epsilon", 1.0f}}, parameters(is_constant))[0],
                {1, 2, 2}, {1, 3, 0, 1});
  }
  const double r = 1 / std::sqrt(2.0), s = 2 / std::sqrt(5.0);
  const Argument ones = constant({2}, {1, 1}), bias = constant({2}, {0, 10});
  expect_near(run(17, "LayerNormalization", {{"epsilon", 1.0f}}, {x, ones, bias})[0], {1, 2, 2},
              {-r, r + 10, -s, s + 10});
  expect_near(run(17, "InstanceNormalization", {{"epsilon", 1.0f}}, {x, ones, bias})[0], {1, 2, 2},
              {-r, r, 10 - s, 10 + s});
  expect_near(run(23, "RMSNormalization", {{"epsilon", 4.0f}}, {x, ones})[0], {1, 2, 2},
              {1.0 / 3, 1, 2 / std::sqrt(24.0), 6 / std::sqrt(24.0)});
  const double g = std::sqrt(3.5 + 0.5);  // mean 3, variance 3.5
  for (int64_t opset : {18, 21}) {
    expect_near(
        run(opset, "GroupNormalization", {{"epsilon", 0.5f}, {"num_groups", int64_t{1}}},
            {x, constant({opset == 18 ? 1 : 2}, std::vector<float>(opset == 18 ? 1 : 2, 1)),
             constant({opset == 18 ? 1 : 2}, std::vector<float>(opset == 18 ? 1 : 2, 0))})[0],
        {1, 2, 2}, {-2 / g, 0, -1 / g, 3 / g});
  }
}

TEST(OnnxOperators, Reductions) {
  const Argument x = in({1, 2, 2}, {1, 2, 3, 4});
  expect_near(run(11, "ReduceSum", {{"axes", Ints{1}}, {"keepdims", int64_t{0}}}, {x})[0], {1, 2},
              {4, 6});
  expect_near(run(13, "ReduceSum", {}, {x, ints({1, 2})})[0], {1, 1, 1}, {10});
  expect_near(run(13, "ReduceMean", {{"axes", Ints{-1}}}, {x})[0], {1, 2, 1}, {1.5, 3.5});
  expect_near(run(18, "ReduceMean", {}, {x, ints({-1})})[0], {1, 2, 1}, {1.5, 3.5});
  expect_near(run(18, "ReduceMax", {{"noop_with_empty_axes", int64_t{1}}}, {x})[0], {1, 2, 2},
              {1, 2, 3, 4});
  expect_near(run(18, "ReduceLogSum", {{"keepdims", int64_t{0}}}, {x})[0], {}, {std::log(10.0)});
  EXPECT_EQ(run(17, "ArgMax", {{"axis", int64_t{2}}, {"keepdims", int64_t{0}}}, {x})[0],
            Tensor::from<int64_t>({1, 2}, {1, 1}));
}

TEST(OnnxOperators, Shapes) {
  const Argument x = in({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  auto shape_of = [](const std::vector<Tensor>& outputs) { return outputs[0].shape(); };
  EXPECT_EQ(shape_of(run(17, "Flatten", {}, {x})), (Ints{2, 3}));
  EXPECT_EQ(shape_of(run(17, "Flatten", {{"axis", int64_t{0}}}, {x})), (Ints{1, 6}));
  EXPECT_EQ(shape_of(run(17, "Flatten", {{"axis", int64_t{-1}}}, {x})), (Ints{2, 3}));
  EXPECT_EQ(shape_of(run(17, "Flatten", {{"axis", int64_t{3}}}, {x})), (Ints{6, 1}));
  EXPECT_EQ(shape_of(run(17, "Reshape", {}, {x, ints({0, -1})})), (Ints{2, 3}));
  EXPECT_EQ(shape_of(run(11, "Squeeze", {{"axes", Ints{1}}}, {x})), (Ints{2, 3}));
  EXPECT_EQ(shape_of(run(13, "Squeeze", {}, {x, ints({1})})), (Ints{2, 3}));
  EXPECT_EQ(shape_of(run(11, "Unsqueeze", {{"axes", Ints{0, -1}}}, {x})), (Ints{1, 2, 1, 3, 1}));
  EXPECT_EQ(shape_of(run(13, "Unsqueeze", {}, {x, ints({0})})), (Ints{1, 2, 1, 3}));
  EXPECT_EQ(shape_of(run(13, "Expand", {}, {x, ints({2, 2, 1})})), (Ints{2, 2, 3}));
  EXPECT_EQ(run(15, "Shape", {{"start", int64_t{-2}}, {"end", int64_t{-1}}}, {x})[0],
            Tensor::from<int64_t>({1}, {1}));
  expect_near(run(13, "Transpose", {{"perm", Ints{2, 1, 0}}}, {x})[0], {3, 1, 2},
              {1, 4, 2, 5, 3, 6});
}

TEST(OnnxOperators, Movement) {
  const Argument x = in({1, 4}, {1, 2, 3, 4});
  auto parts = run(11, "Split", {{"axis", int64_t{1}}}, {x}, 2);
  expect_near(parts[1], {1, 2}, {3, 4});
  parts = run(13, "Split", {{"axis", int64_t{1}}}, {x, ints({1, 3})}, 2);
  expect_near(parts[1], {1, 3}, {2, 3, 4});
  parts = run(18, "Split", {{"axis", int64_t{1}}, {"num_outputs", int64_t{3}}}, {x}, 3);
  expect_near(parts[2], {1, 0}, {});
  const NamedAttributes old = {{"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}, {"axes", Ints{1}}};
  expect_near(run(9, "Slice", old, {x})[0], {1, 3}, {2, 3, 4});
  expect_near(run(13, "Slice", {}, {x, ints({-1}), ints({INT64_MIN}), ints({1}), ints({-2})})[0],
              {1, 2}, {4, 2});
  expect_near(run(13, "Slice", {}, {x, ints({0, 0}), ints({1, 4}), kAbsent, ints({1, 3})})[0],
              {1, 2}, {1, 4});
  expect_near(run(13, "Gather", {{"axis", int64_t{1}}}, {x, ints({-1, 0})})[0], {1, 2}, {4, 1});
  expect_near(run(9, "Pad", {{"pads", Ints{0, 1, 0, 0}}, {"value", 9.0f}}, {x})[0], {1, 5},
              {9, 1, 2, 3, 4});
  expect_near(
      run(18, "Pad", {{"mode", std::string("reflect")}}, {x, ints({1, 0}), kAbsent, ints({1})})[0],
      {1, 5}, {2, 1, 2, 3, 4});
  expect_near(run(13, "Tile", {}, {x, ints({1, 2})})[0], {1, 8}, {1, 2, 3, 4, 1, 2, 3, 4});
  const Argument picture = in({1, 4, 1, 1}, {1, 2, 3, 4});
  expect_near(run(13, "DepthToSpace", {{"blocksize", int64_t{2}}}, {picture})[0], {1, 1, 2, 2},
              {1, 2, 3, 4});
}

TEST(OnnxOperators, Selection) {
  const Argument x = in({2, 3}, {1, 5, 3, 6, 4, 2});
  const auto best = run(11, "TopK", {{"axis", int64_t{0}}}, {x, ints({1})}, 2);
  expect_near(best[0], {1, 3}, {6, 5, 3});
  EXPECT_EQ(best[1], Tensor::from<int64_t>({1, 3}, {1, 0, 0}));
  expect_near(run(9, "TopK", {{"k", int64_t{1}}}, {x}, 2)[0], {2, 1}, {5, 6});
  expect_near(run(14, "Trilu", {{"upper", int64_t{0}}}, {x})[0], {2, 3}, {1, 0, 0, 6, 4, 0});
  expect_near(run(13, "EyeLike", {{"k", int64_t{1}}}, {x})[0], {2, 3}, {0, 1, 0, 0, 0, 1});
  expect_near(run(13, "CumSum", {{"reverse", int64_t{1}}}, {x, ints({1})})[0], {2, 3},
              {9, 8, 3, 12, 6, 2});
  expect_near(run(13, "OneHot", {}, {ints({1, -3, 3}), ints({3}), constant({2}, {0, 7})})[0],
              {3, 3}, {0, 7, 0, 7, 0, 0, 0, 0, 0});
  // Columns of lengths 2 and 1 and 0.
  expect_near(run(13, "ReverseSequence", {}, {x, ints({2, 1, 0})})[0], {2, 3}, {6, 5, 3, 1, 4, 2});
  EXPECT_EQ(run(13, "NonZero", {}, {in({3}, {0, 2, 3})})[0], Tensor::from<int64_t>({1, 2}, {1, 2}));
  const Argument boxes = in({1, 2, 4}, {0, 0, 1, 1, 0, 0, 1, 0.9f});
  EXPECT_EQ(run(13, "NonMaxSuppression", {},
                {boxes, in({1, 1, 2}, {0.5f, 0.6f}), ints({9}), kAbsent, constant({}, {0.4f})})[0],
            Tensor::from<int64_t>({1, 3}, {0, 0, 1}));
}

TEST(OnnxOperators, LocalResponseNormalization) {
  // One pixel of three channels; two channels at a time: this one and the next.
  const NamedAttributes attributes = {
      {"size", int64_t{2}}, {"alpha", 2.0f}, {"beta", 1.0f}, {"bias", 1.0f}};
  expect_near(run(13, "LRN", attributes, {in({1, 3, 1, 1}, {1, 2, 3})})[0], {1, 3, 1, 1},
              {1.0 / 6, 2.0 / 14, 3.0 / 10});
}

TEST(OnnxOperators, Softmax) {
  // Equal elements: 1 / how many there are along the axis.
  const Argument x = in({2, 2, 2}, std::vector<float>(8, 1));
  expect_near(run(11, "Softmax", {}, {x})[0], {2, 2, 2}, std::vector<double>(8, 0.25));
  expect_near(run(13, "Softmax", {{"axis", int64_t{1}}}, {x})[0], {2, 2, 2},
              std::vector<double>(8, 0.5));
}

TEST(OnnxOperators, Recurrent) {
  // One unit: w = 1, r = 0, initial state 0.5; inputs between them are absent.
  const Argument x = in({2, 1, 1}, {0.25, -1}), w = constant({1, 1, 1}, {1}),
                 r = constant({1, 1, 1}, {0}), h = in({1, 1, 1}, {0.5});
  auto y = run(14, "RNN", {{"hidden_size", int64_t{1}}}, {x, w, r, kAbsent, kAbsent, h}, 2);
  expect_near(y[0], {2, 1, 1, 1}, {std::tanh(0.25), std::tanh(-1)});
  expect_near(y[1], {1, 1, 1}, {std::tanh(-1)});
  // One alpha for the first activation that has one; the direction backwards.
  y = run(14, "RNN",
          {{"activations", std::vector<std::string>{"leakyrelu"}},
           {"activation_alpha", std::vector<float>{0.5}},
           {"direction", std::string("reverse")},
           {"clip", 0.75f}},
          {x, w, r}, 2);
  expect_near(y[0], {2, 1, 1, 1}, {0.25, -0.375});
  expect_near(y[1], {1, 1, 1}, {0.25});
  const Argument three = constant({1, 3, 1}, {0, 0, 1}), zeros = constant({1, 3, 1}, {0, 0, 0});
  y = run(14, "GRU", {{"layout", int64_t{1}}, {"linear_before_reset", int64_t{1}}},
          {in({1, 2, 1}, {0.5, 1}), three, zeros}, 2);
  const double first = 0.5 * std::tanh(0.5);
  expect_near(y[0], {1, 2, 1, 1}, {first, 0.5 * std::tanh(1) + 0.5 * first});
  const Argument four = constant({1, 4, 1}, {0, 0, 0, 1});
  const Argument none = constant({1, 4, 1}, {0, 0, 0, 0});
  y = run(14, "LSTM", {}, {x, four, none}, 3);
  const double c = 0.5 * std::tanh(0.25);
  expect_near(y[2], {1, 1, 1}, {0.5 * c + 0.5 * std::tanh(-1)});
  expect_near(run(14, "LSTM", {{"input_forget", int64_t{1}}}, {x, four, none}, 3)[2], {1, 1, 1},
              {0.5 * c + 0.5 * std::tanh(-1)});
}

TEST(OnnxOperators, RecurrentLimits) {
  const auto error = [](const NamedAttributes& attributes) {
    ModelWriter model(14);
    model.initializer("w", Tensor::from<float>({1, 1, 1}, {1}));
    model.input("x", "T,N,1").output("y");
    model.node({"RNN", {"x", "w", "w"}, {"y"}, attributes, "rnn"});
    TestFolder folder;
    return import_onnx(folder.write("model.onnx", model.bytes())).status().message();
  };
  const auto named = [](const char* name) { return std::vector<std::string>{name}; };
  EXPECT_EQ(error({{"hidden_size", int64_t{1}}}), "");
  EXPECT_THAT(error({{"activations", named("Affine")}}),
              testing::HasSubstr("'Affine' without its parameters"));
  EXPECT_THAT(error({{"activations", named("Swish")}}),
              testing::HasSubstr("the activation 'Swish'"));
  EXPECT_THAT(error({{"hidden_size", int64_t{2}}}), testing::HasSubstr("'hidden_size'"));
  EXPECT_THAT(error({{"direction", std::string("up")}}), testing::HasSubstr("\"up\""));
}

TEST(OnnxOperators, Constants) {
  expect_near(run(13, "Constant", {{"value_floats", std::vector<float>{1, 2}}}, {})[0], {2},
              {1, 2});
  EXPECT_EQ(run(13, "Constant", {{"value_int", int64_t{7}}}, {})[0], Tensor::scalar<int64_t>(7));
  EXPECT_EQ(
      run(13, "ConstantOfShape", {{"value", Tensor::from<int64_t>({1}, {3})}}, {ints({2})})[0],
      Tensor::from<int64_t>({2}, {3, 3}));
  const Argument x = in({2}, {1.5, -1.5});
  EXPECT_EQ(run(13, "Cast", {{"to", int64_t{7}}}, {x})[0], Tensor::from<int64_t>({2}, {1, -1}));
  EXPECT_EQ(run(15, "CastLike", {}, {x, ints({0})})[0], Tensor::from<int64_t>({2}, {1, -1}));
  expect_near(run(13, "Dropout", {{"seed", int64_t{1}}}, {x, constant({}, {0.5f})})[0], {2},
              {1.5, -1.5});
}

}  // namespace
}  // namespace hone

// Results of the reference evaluators against values computed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/ops.h"

namespace hone {
namespace {

using testing::ElementsAre;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <class T>
Tensor row(const std::vector<T>& values) {
  return Tensor::from<T>({static_cast<int64_t>(values.size())}, values);
}

Tensor run(const char* name, const Attributes& attributes, const std::vector<Tensor>& inputs) {
  auto result = evaluate_reference(op(name), attributes, {}, inputs);
  EXPECT_TRUE(result.ok()) << name << ": " << result.status().message();
  return result.ok() ? (*result)[0] : Tensor();
}

Code error(const char* name, const Attributes& attributes, const std::vector<Tensor>& inputs) {
  return evaluate_reference(op(name), attributes, {}, inputs).status().code();
}

TEST(Reference, NotANumber) {
  const Tensor x = row<float>({kNaN, 1, 2}), y = row<float>({0, kNaN, 3});
  for (const char* name : {"Max", "Min"}) {
    const Tensor z = run(name, {}, {x, y});
    EXPECT_TRUE(std::isnan(z.data<float>()[0]) && std::isnan(z.data<float>()[1])) << name;
  }
  EXPECT_TRUE(std::isnan(run("Relu", {}, {x}).data<float>()[0]));
  EXPECT_TRUE(std::isnan(run("ReduceMax", ReduceAttributes{}, {x}).data<float>()[0]));
  EXPECT_EQ(run("ArgMax", ArgAttributes{}, {x}), row<int64_t>({0}));
  EXPECT_EQ(run("Equal", {}, {x, x}), row<bool>({false, true, true}));
}

TEST(Reference, IntegerDivision) {
  const Tensor a = row<int32_t>({7, -7, 7, -7, INT32_MIN}), b = row<int32_t>({2, 2, -2, -2, -1});
  EXPECT_EQ(run("Div", {}, {a, b}), row<int32_t>({3, -3, -3, 3, INT32_MIN}));
  EXPECT_EQ(run("FloorDiv", {}, {a, b}), row<int32_t>({3, -4, -4, 3, INT32_MIN}));
  EXPECT_EQ(run("FloorMod", {}, {a, b}), row<int32_t>({1, 1, -1, -1, 0}));
  EXPECT_EQ(run("TruncateMod", {}, {a, b}), row<int32_t>({1, -1, 1, -1, 0}));
  EXPECT_EQ(error("Div", {}, {a, row<int32_t>({0})}), Code::kShape);
  EXPECT_EQ(run("Pow", {}, {row<int64_t>({3, 2, 0}), row<int64_t>({4, -1, 0})}),
            row<int64_t>({81, 0, 1}));
}

TEST(Reference, FloatRemainders) {
  const Tensor a = row<float>({5.5, -5.5}), b = row<float>({2, 2});
  EXPECT_EQ(run("FloorMod", {}, {a, b}), row<float>({1.5, 0.5}));
  EXPECT_EQ(run("TruncateMod", {}, {a, b}), row<float>({1.5, -1.5}));
}

TEST(Reference, Rounding) {
  EXPECT_EQ(run("Round", {}, {row<float>({0.5, 1.5, 2.5, -0.5, 2.4})}),
            row<float>({0, 2, 2, -0.0, 2}));
}

TEST(Reference, CastSaturatesAndTruncates) {
  const Tensor x = row<float>({-1.9, 1.9, 300, -300, INFINITY, kNaN});
  EXPECT_EQ(run("Cast", CastAttributes{DataType::i8}, {x}),
            row<int8_t>({-1, 1, 127, -128, 127, 0}));
  EXPECT_EQ(run("Cast", CastAttributes{DataType::u8}, {x}), row<uint8_t>({0, 1, 255, 0, 255, 0}));
  EXPECT_EQ(run("Cast", CastAttributes{DataType::boolean}, {row<float>({0, -0.0, 0.1, kNaN})}),
            row<bool>({false, false, true, true}));
  EXPECT_EQ(run("Cast", CastAttributes{DataType::i8}, {row<int32_t>({257, -129})}),
            row<int8_t>({1, 127}));
  // One rounding from double: 1 + 2^-11 + 2^-30 is above the middle of two f16 values, but its f32
  // neighbour is the middle itself.
  const Tensor f16 = run("Cast", CastAttributes{DataType::f16},
                         {row<double>({1 + 0x1p-11 + 0x1p-30, 1 + 0x1p-11})});
  EXPECT_EQ(static_cast<float>(f16.data<Float16>()[0]), 1 + 0x1p-10f);
  EXPECT_EQ(static_cast<float>(f16.data<Float16>()[1]), 1.0f);
}

TEST(Reference, Activations) {
  const Tensor x = row<float>({-2, 0, 2, -1000, 1000});
  const auto near = [](const Tensor& y, std::vector<double> expected) {
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(y.data<float>()[i], expected[i], 1e-6 * std::max(1.0, std::fabs(expected[i])))
          << i;
    }
  };
  near(run("Sigmoid", {}, {x}), {0.11920292, 0.5, 0.88079708, 0, 1});
  near(run("Softplus", {}, {x}), {0.12692801, 0.69314718, 2.12692801, 0, 1000});
  near(run("Gelu", {}, {x}), {-0.04550026, 0, 1.95449974, 0, 1000});
  near(run("GeluTanh", {}, {x}), {-0.04540231, 0, 1.95459769, 0, 1000});
  near(run("HardSwish", {}, {x}), {-1.0 / 3, 0, 5.0 / 3, 0, 1000});
  near(run("Mish", {}, {x}), {-0.25250148, 0, 1.94395896, 0, 1000});
  near(run("Elu", {}, {x, Tensor::scalar(0.5f)}), {0.5 * std::expm1(-2), 0, 2, -0.5, 1000});
  near(run("LeakyRelu", {}, {x, Tensor::scalar(0.1f)}), {-0.2, 0, 2, -100, 1000});
  near(run("HardSigmoid", {}, {x, Tensor::scalar(0.2f), Tensor::scalar(0.5f)}),
       {0.1, 0.5, 0.9, 0, 1});
  near(run("Selu", {}, {x}), {-1.52016647, 0, 2.10140200, -1.75809934, 1050.700987});
}

TEST(Reference, Conv) {
  // One channel, 3x3 image 1..9, 2x2 kernel of ones.
  const Tensor x = Tensor::from<float>({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor w = Tensor::from<float>({1, 2, 2, 1}, {1, 1, 1, 1});
  EXPECT_EQ(run("Conv", ConvAttributes{}, {x, w, row<float>({0.5})}),
            Tensor::from<float>({1, 2, 2, 1}, {12.5, 16.5, 24.5, 28.5}));
  // same_upper pads at the end, same_lower at the beginning.
  EXPECT_EQ(run("Conv", ConvAttributes{.auto_pad = "same_upper"}, {x, w}),
            Tensor::from<float>({1, 3, 3, 1}, {12, 16, 9, 24, 28, 15, 15, 17, 9}));
  EXPECT_EQ(run("Conv", ConvAttributes{.auto_pad = "same_lower"}, {x, w}),
            Tensor::from<float>({1, 3, 3, 1}, {1, 3, 5, 5, 12, 16, 11, 24, 28}));
  EXPECT_EQ(run("Conv", ConvAttributes{.dilations = {2, 2}}, {x, w}),
            Tensor::from<float>({1, 1, 1, 1}, {20}));
  // Groups: each output channel sees its own input channel.
  EXPECT_EQ(run("Conv", ConvAttributes{.groups = 2},
                {Tensor::from<float>({1, 2, 2}, {1, 10, 2, 20}),
                 Tensor::from<float>({2, 2, 1}, {1, 1, 1, -1})}),
            Tensor::from<float>({1, 1, 2}, {3, -10}));
  EXPECT_EQ(error("Conv", ConvAttributes{.groups = 2}, {x, w}), Code::kShape);
  EXPECT_EQ(error("Conv", ConvAttributes{.strides = {0, 1}}, {x, w}), Code::kModel);
}

TEST(Reference, Pool) {
  const Tensor x = Tensor::from<float>({1, 5, 1}, {1, 2, 3, 4, -5});
  PoolAttributes pool{.kernel = {2}, .strides = {2}};
  EXPECT_EQ(run("MaxPool", pool, {x}), Tensor::from<float>({1, 2, 1}, {2, 4}));
  pool.ceil_mode = true;
  EXPECT_EQ(run("MaxPool", pool, {x}), Tensor::from<float>({1, 3, 1}, {2, 4, -5}));
  pool.count_include_pad = true;  // what ceil_mode adds does not count
  EXPECT_EQ(run("AveragePool", pool, {x}), Tensor::from<float>({1, 3, 1}, {1.5, 3.5, -5}));
  pool.ceil_mode = false;
  pool.pads = {1, 1};
  EXPECT_EQ(run("AveragePool", pool, {x}), Tensor::from<float>({1, 3, 1}, {0.5, 2.5, -0.5}));
  pool.count_include_pad = false;
  EXPECT_EQ(run("AveragePool", pool, {x}), Tensor::from<float>({1, 3, 1}, {1, 2.5, -0.5}));
  // A window that would begin in the padding behind the data is left out.
  PoolAttributes late{.kernel = {1}, .strides = {2}, .pads = {0, 1}, .ceil_mode = true};
  EXPECT_EQ(run("MaxPool", late, {row<float>({1, 2}).reshaped({1, 2, 1})}).shape()[1], 1);
}

TEST(Reference, MatMul) {
  const Tensor a = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = Tensor::from<float>({3, 2}, {1, 0, 0, 1, 1, 1});
  const Tensor ab = Tensor::from<float>({2, 2}, {4, 5, 10, 11});
  EXPECT_EQ(run("MatMul", MatMulAttributes{}, {a, b}), ab);
  const Tensor a_t = run("Transpose", TransposeAttributes{}, {a});
  const Tensor b_t = run("Transpose", TransposeAttributes{}, {b});
  EXPECT_EQ(run("MatMul", MatMulAttributes{true, true}, {a_t, b_t}), ab);
  EXPECT_EQ(run("MatMul", MatMulAttributes{}, {row<float>({1, 1}), a}), row<float>({5, 7, 9}));
  EXPECT_EQ(run("MatMul", MatMulAttributes{}, {a, row<float>({1, 0, 0})}), row<float>({1, 4}));
  EXPECT_EQ(error("MatMul", MatMulAttributes{}, {a, a}), Code::kShape);
}

TEST(Reference, Movement) {
  const Tensor x = Tensor::from<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto i64s = row<int64_t>;
  EXPECT_EQ(run("Slice", {}, {x, i64s({-1}), i64s({INT64_MIN}), i64s({1}), i64s({-2})}),
            Tensor::from<int64_t>({2, 2}, {3, 1, 6, 4}));
  EXPECT_EQ(run("Gather", GatherAttributes{1, 1}, {x, Tensor::from<int64_t>({2, 1}, {-1, 0})}),
            Tensor::from<int64_t>({2, 1}, {3, 4}));
  EXPECT_EQ(error("Gather", GatherAttributes{}, {x, i64s({2})}), Code::kShape);
  EXPECT_EQ(error("Gather", GatherAttributes{}, {x, i64s({INT64_MIN})}), Code::kShape);
  EXPECT_EQ(run("Tile", {}, {i64s({1, 2}), i64s({2})}), i64s({1, 2, 1, 2}));
  EXPECT_EQ(run("Where", {}, {row<bool>({true, false, true}), i64s({1, 2, 3}), i64s({9})}),
            i64s({1, 9, 3}));
  EXPECT_EQ(run("Concat", ConcatAttributes{1}, {x, Tensor::from<int64_t>({2, 1}, {7, 8})}),
            Tensor::from<int64_t>({2, 4}, {1, 2, 3, 7, 4, 5, 6, 8}));
  const Tensor pads = i64s({2, 1});
  const Tensor line = i64s({1, 2, 3});
  EXPECT_EQ(run("Pad", PadAttributes{}, {line, pads, Tensor::scalar<int64_t>(9)}),
            i64s({9, 9, 1, 2, 3, 9}));
  EXPECT_EQ(run("Pad", PadAttributes{"reflect"}, {line, pads}), i64s({3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(run("Pad", PadAttributes{"symmetric"}, {line, pads}), i64s({2, 1, 1, 2, 3, 3}));
  EXPECT_EQ(run("Pad", PadAttributes{"edge"}, {line, pads}), i64s({1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(run("Pad", PadAttributes{}, {line, i64s({-1, -1})}), i64s({2}));
  EXPECT_EQ(error("Pad", PadAttributes{"reflect"}, {line, i64s({3, 0})}), Code::kShape);
}

TEST(Reference, Reductions) {
  const Tensor x = Tensor::from<float>({2, 2}, {3, -4, 1000, 1000});
  const ReduceAttributes rows{{1}, false};
  EXPECT_EQ(run("ReduceL2", rows, {x}), row<float>({5, static_cast<float>(std::sqrt(2e6))}));
  EXPECT_EQ(run("ReduceL1", rows, {x}), row<float>({7, 2000}));
  EXPECT_EQ(run("ReduceSumSquare", rows, {x}), row<float>({25, 2000000}));
  EXPECT_FLOAT_EQ(run("ReduceLogSumExp", rows, {x}).data<float>()[1], 1000.6931472f);
  EXPECT_EQ(run("ReduceMean", ReduceAttributes{}, {row<int32_t>({1, 2})}), row<int32_t>({1}));
  const Tensor none = Tensor::empty(DataType::i8, {0});
  EXPECT_EQ(run("ReduceMax", ReduceAttributes{}, {none}), row<int8_t>({-128}));
  EXPECT_EQ(run("ReduceProd", ReduceAttributes{}, {none}), row<int8_t>({1}));
  const Tensor softmax = run("Softmax", SoftmaxAttributes{}, {x});
  EXPECT_FLOAT_EQ(softmax.data<float>()[2], 0.5f);
  EXPECT_FLOAT_EQ(softmax.data<float>()[0], 1 / (1 + std::exp(-7.0f)));
}

TEST(Reference, SizesAreBounded) {
  const auto i64s = row<int64_t>;
  const int64_t big = int64_t{1} << 40;
  EXPECT_EQ(error("Fill", {}, {i64s({big}), Tensor::scalar(1.0f)}), Code::kOutOfResources);
  EXPECT_EQ(error("Fill", {}, {i64s({big, big, big}), Tensor::scalar(1.0f)}),
            Code::kOutOfResources);
  EXPECT_EQ(error("Tile", {}, {i64s({1, 2}), i64s({big})}), Code::kOutOfResources);
  EXPECT_EQ(error("Range", {},
                  {Tensor::scalar<int64_t>(0), Tensor::scalar(big), Tensor::scalar<int64_t>(1)}),
            Code::kOutOfResources);
  EXPECT_EQ(error("Pad", PadAttributes{}, {i64s({1}), i64s({big, big})}), Code::kOutOfResources);
}

// --- Values of shape tensors.

struct Chain {
  SymbolScope symbols;

  InferInput input(DataType dtype, Shape shape) { return {{dtype, std::move(shape)}}; }
  InferInput constant(const Tensor& tensor) {
    return {{tensor.dtype(), to_shape(tensor.shape())}, &tensor, std::nullopt};
  }
  InferInput apply(const char* name, const Attributes& attributes, std::vector<InferInput> inputs) {
    InferContext context{&attributes, std::move(inputs), &symbols};
    const Status status = infer_types(op(name), {}, context);
    EXPECT_TRUE(status.ok()) << name << ": " << status.message();
    if (!status.ok()) return {};
    return {context.outputs[0], nullptr, context.output_values[0]};
  }
};

// Keras' Flatten with unknown batch: Shape -> StridedSlice -> Pack -> Reshape.
TEST(Values, ReshapeByComputedBatch) {
  Chain chain;
  const Tensor zero = row<int64_t>({0}), one = row<int64_t>({1}), minus_one = row<int32_t>({-1});
  InferInput x = chain.input(DataType::f32, {Dim::symbol("N"), 7, 7, 64});
  InferInput shape = chain.apply("Shape", {}, {x});
  shape = chain.apply("Cast", CastAttributes{DataType::i32}, {shape});
  InferInput batch = chain.apply("Slice", {}, {shape, chain.constant(zero), chain.constant(one)});
  batch = chain.apply("Squeeze", AxesAttributes{{0}}, {batch});
  batch = chain.apply("Unsqueeze", AxesAttributes{{0}}, {batch});
  InferInput target =
      chain.apply("Concat", ConcatAttributes{0}, {batch, chain.constant(minus_one)});
  const InferInput y = chain.apply("Reshape", ReshapeAttributes{}, {x, target});
  EXPECT_EQ(type_text(y.type), "f32[N,3136]");
  EXPECT_TRUE(chain.symbols.must_be_equal.empty());
}

TEST(Values, ArithmeticAndProducts) {
  Chain chain;
  const Tensor two = Tensor::scalar<int64_t>(2), first = Tensor::scalar<int64_t>(0);
  InferInput x = chain.input(DataType::f32, {Dim::symbol("H"), Dim::symbol("W")});
  InferInput shape = chain.apply("Shape", {}, {x});
  InferInput half = chain.apply("Div", {}, {shape, chain.constant(two)});
  EXPECT_EQ((*half.values)[0], floor_div(Dim::symbol("H"), 2));
  InferInput twice = chain.apply("Mul", {}, {shape, chain.constant(two)});
  EXPECT_EQ((*twice.values)[1].text(), "2*W");
  InferInput height = chain.apply("Gather", GatherAttributes{}, {twice, chain.constant(first)});
  EXPECT_EQ((*height.values)[0].text(), "2*H");
  InferInput product = chain.apply("ReduceProd", ReduceAttributes{{0}, false}, {shape});
  EXPECT_EQ((*product.values)[0], Dim::symbol("H") * Dim::symbol("W"));
  InferInput filled = chain.apply("Fill", {}, {twice, chain.constant(two)});
  EXPECT_EQ(type_text(filled.type), "i64[2*H,2*W]");
}

// An element that is not known makes one dimension unknown, not the whole shape.
TEST(Values, UnknownElements) {
  Chain chain;
  const Tensor constant = row<int64_t>({8, 4});
  InferInput unknown = chain.input(DataType::i64, {1});
  InferInput target =
      chain.apply("Concat", ConcatAttributes{0}, {unknown, chain.constant(constant)});
  InferInput x = chain.input(DataType::f32, {Dim::symbol("N"), 32});
  EXPECT_EQ(type_text(chain.apply("Reshape", ReshapeAttributes{}, {x, target}).type), "f32[N,8,4]");
  InferInput filled = chain.apply("Fill", {}, {target, chain.input(DataType::f32, {})});
  EXPECT_TRUE(filled.type.shape[0].is_symbol());
  EXPECT_EQ(filled.type.shape[1], Dim(8));
}

TEST(Values, UnknownRankIsRefusedWithAReason) {
  SymbolScope symbols;
  const Attributes attributes = ReshapeAttributes{};
  InferContext context{&attributes, {}, &symbols};
  context.inputs = {{{DataType::f32, {4}}}, {{DataType::i64, {Dim::symbol("R")}}}};
  const Status status = infer_types(op("Reshape"), {}, context);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), testing::HasSubstr("rank"));
}

}  // namespace
}  // namespace hone

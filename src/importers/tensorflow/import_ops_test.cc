// Meaning of TensorFlow's attributes, against values worked out by hand.
// tests/tensorflow/test_import_ops.py compares every operator with TensorFlow itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "importers/tensorflow/import_test_util.h"

namespace hone::tf {
namespace {

using testing::HasSubstr;

// Runs one node "y" on x and constants; EXPECTs the first output.
void expect(const GraphMaker& maker, const Tensor& x, const Tensor& wanted) {
  const auto out = run(maker, {x}, {"y:0"});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ((*out)[0].shape(), wanted.shape());
  EXPECT_EQ((*out)[0], wanted);
}

// 1, 2, 3 ...
Tensor count(std::vector<int64_t> shape) {
  std::vector<float> values;
  int64_t size = 1;
  for (int64_t dim : shape) size *= dim;
  for (int64_t i = 0; i < size; ++i) values.push_back(static_cast<float>(i + 1));
  return floats(std::move(shape), values);
}

GraphMaker conv(const std::string& op, std::vector<int64_t> data, Tensor filter,
                std::vector<int64_t> strides, const std::string& padding, AttrMap more = {}) {
  GraphMaker maker;
  maker.input("x", DataType::f32, std::move(data)).constant("w", std::move(filter));
  more["strides"] = int_list(std::move(strides));
  more["padding"] = padding;
  return maker.node("y", op, {"x", "w"}, std::move(more));
}

TEST(TfConv, SamePadsMoreAtTheEnd) {
  // Row 1 2 3 4, kernel (1, 10), stride 1: one column of padding, at the end.
  expect(conv("Conv2D", {1, 1, 4, 1}, floats({1, 2, 1, 1}, {1, 10}), {1, 1, 1, 1}, "SAME"),
         count({1, 1, 4, 1}), floats({1, 1, 4, 1}, {21, 32, 43, 4}));
  // Stride 3: columns 0 and 3.
  expect(conv("Conv2D", {1, 1, 4, 1}, floats({1, 2, 1, 1}, {1, 10}), {1, 1, 3, 1}, "SAME"),
         count({1, 1, 4, 1}), floats({1, 1, 2, 1}, {21, 4}));
}

TEST(TfConv, ChannelsFirstAndExplicitPads) {
  // Two channels, weights 1 and 100, one column of padding before and two after.
  const AttrMap attrs = {{"data_format", std::string("NCHW")},
                         {"explicit_paddings", int_list({0, 0, 0, 0, 0, 0, 1, 2})}};
  expect(
      conv("Conv2D", {1, 2, 1, 2}, floats({1, 1, 2, 1}, {1, 100}), {1, 1, 1, 1}, "EXPLICIT", attrs),
      floats({1, 2, 1, 2}, {1, 2, 3, 4}), floats({1, 1, 1, 5}, {0, 301, 402, 0, 0}));
}

TEST(TfConv, StridesOfChannelsFirst) {
  expect(conv("Conv2D", {1, 1, 2, 4}, floats({1, 1, 1, 1}, {1}), {1, 1, 1, 3}, "VALID",
              {{"data_format", std::string("NCHW")}}),
         count({1, 1, 2, 4}), floats({1, 1, 2, 2}, {1, 4, 5, 8}));
}

TEST(TfConv, Depthwise) {
  // Filter [1, 1, C = 2, M = 2]: channel 0 times 1 and 10, channel 1 times 100 and 1000.
  expect(conv("DepthwiseConv2dNative", {1, 1, 1, 2}, floats({1, 1, 2, 2}, {1, 10, 100, 1000}),
              {1, 1, 1, 1}, "VALID"),
         floats({1, 1, 1, 2}, {3, 5}), floats({1, 1, 1, 4}, {3, 30, 500, 5000}));
}

TEST(TfConv, GroupsFollowFromTheFilter) {
  expect(conv("Conv2D", {1, 1, 1, 4}, floats({1, 1, 2, 2}, {1, 2, 10, 20}), {1, 1, 1, 1}, "VALID"),
         floats({1, 1, 1, 4}, {1, 2, 3, 4}), floats({1, 1, 1, 2}, {21, 86}));
}

TEST(TfConv, Conv3DHasItsOwnDefaultLayout) {
  expect(
      conv("Conv3D", {1, 2, 1, 1, 1}, floats({2, 1, 1, 1, 1}, {1, 10}), {1, 1, 1, 1, 1}, "VALID"),
      count({1, 2, 1, 1, 1}), floats({1, 1, 1, 1, 1}, {21}));
}

TEST(TfConv, Transposed) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {1, 1, 2, 1}).constant("w", floats({1, 3, 1, 1}, {1, 10, 100}));
  maker.ints("size", {1, 1, 5, 1});
  maker.node("y", "Conv2DBackpropInput", {"size", "w", "x"},
             {{"strides", int_list({1, 1, 2, 1})}, {"padding", std::string("VALID")}});
  expect(maker, floats({1, 1, 2, 1}, {1, 2}), floats({1, 1, 5, 1}, {1, 10, 102, 20, 200}));
}

// [N, H, W, C] of unknown sizes and its height and width, doubled.
GraphMaker doubled_size() {
  GraphMaker maker;
  maker.input("x", DataType::f32, {-1, -1, -1, 1}).constant("w", floats({1, 2, 1, 1}, {1, 10}));
  maker.ints("one", {1}).ints("two", {2}).ints("three", {3});
  maker.node("shape", "Shape", {"x"}).node("hw", "StridedSlice", {"shape", "one", "three", "one"});
  return maker.node("size", "Mul", {"hw", "two"});
}

TEST(TfConv, TransposedToAComputedSize) {
  GraphMaker maker = doubled_size();
  maker.ints("zero", {0}).number("axis", 0).ints("channel", {1});
  maker.node("n", "StridedSlice", {"shape", "zero", "one", "one"})
      .node("sizes", "ConcatV2", {"n", "size", "channel", "axis"}, {{"N", int64_t{3}}});
  maker.node("y", "Conv2DBackpropInput", {"sizes", "w", "x"},
             {{"strides", int_list({1, 2, 2, 1})}, {"padding", std::string("SAME")}});
  expect(maker, count({1, 1, 2, 1}), floats({1, 2, 4, 1}, {1, 10, 2, 20, 0, 0, 0, 0}));
}

TEST(TfConv, TransposedChecksItsSize) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {1, 1, 2, 1}).constant("w", floats({1, 1, 1, 1}, {1}));
  maker.ints("sizes", {1, 1, 5, 1});
  maker.node("y", "Conv2DBackpropInput", {"sizes", "w", "x"},
             {{"strides", int_list({1, 1, 2, 1})}, {"padding", std::string("SAME")}});
  const auto out = run(maker, {count({1, 1, 2, 1})}, {"y:0"});
  ASSERT_FALSE(out.ok());
  EXPECT_THAT(out.status().message(), HasSubstr("a size of 5 gives 3, not the 2 of the data"));
}

TEST(TfResize, ComputedSize) {
  GraphMaker maker = doubled_size();
  maker.node("y", "ResizeBilinear", {"x", "size"}, {{"half_pixel_centers", true}});
  expect(maker, floats({1, 1, 2, 1}, {1, 3}),
         floats({1, 2, 4, 1}, {1, 1.5, 2.5, 3, 1, 1.5, 2.5, 3}));
}

TEST(TfPool, AverageLeavesPaddingOut) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {1, 1, 3, 1});
  maker.node("y", "AvgPool", {"x"},
             {{"ksize", int_list({1, 1, 2, 1})},
              {"strides", int_list({1, 1, 2, 1})},
              {"padding", std::string("SAME")}});
  expect(maker, count({1, 1, 3, 1}), floats({1, 1, 2, 1}, {1.5f, 3}));
}

TEST(TfNormalization, BatchNormAndBias) {
  for (const bool first : {false, true}) {
    GraphMaker maker;
    const std::vector<int64_t> shape =
        first ? std::vector<int64_t>{1, 2, 1, 1} : std::vector<int64_t>{1, 1, 1, 2};
    const AttrMap attrs = {{"data_format", std::string(first ? "NCHW" : "NHWC")},
                           {"epsilon", 1.0f},
                           {"is_training", false}};
    maker.input("x", DataType::f32, shape);
    maker.constant("scale", floats({2}, {2, 3})).constant("offset", floats({2}, {10, 20}));
    maker.constant("mean", floats({2}, {1, 2})).constant("var", floats({2}, {3, 8}));
    maker.constant("bias", floats({2}, {100, 200}));
    maker.node("bn", "FusedBatchNormV3", {"x", "scale", "offset", "mean", "var"}, attrs);
    maker.node("y", "BiasAdd", {"bn", "bias"},
               {{"data_format", *attrs.find("data_format")->second.get<std::string>()}});
    expect(maker, floats(shape, {5, 8}), floats(shape, {114, 226}));
  }
}

TEST(TfNormalization, StatisticsOfTheBatch) {
  for (const bool first : {false, true}) {
    GraphMaker maker;
    const std::vector<int64_t> shape =
        first ? std::vector<int64_t>{1, 2, 3, 1} : std::vector<int64_t>{1, 3, 1, 2};
    maker.input("x", DataType::f32, shape).constant("none", floats({0}, {}));
    maker.constant("scale", floats({2}, {2, 3})).constant("offset", floats({2}, {10, 20}));
    maker.node("y", "FusedBatchNormV3", {"x", "scale", "offset", "none", "none"},
               {{"data_format", std::string(first ? "NCHW" : "NHWC")}, {"epsilon", 1.0f / 3}});
    // Variance of 1, 2, 3: 2/3; of 7, 7, 7: 0.
    const Tensor x = first ? floats(shape, {1, 2, 3, 7, 7, 7}) : floats(shape, {1, 7, 2, 7, 3, 7});
    const Tensor y =
        first ? floats(shape, {8, 10, 12, 20, 20, 20}) : floats(shape, {8, 20, 10, 20, 12, 20});
    expect(maker, x, y);
  }
}

struct SliceCase {
  std::vector<int32_t> begin, end, strides;
  int64_t begin_mask, end_mask, ellipsis, new_axis, shrink;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

TEST(TfSlice, Masks) {
  // x[2, 3] = 1 2 3 / 4 5 6
  const SliceCase cases[] = {
      {{0, 1}, {2, 3}, {1, 1}, 0, 0, 0, 0, 0, {2, 2}, {2, 3, 5, 6}},
      {{7, 7}, {7, 2}, {1, 1}, 3, 1, 0, 0, 0, {2, 2}, {1, 2, 4, 5}},  // x[:, :2]
      {{1, 0}, {2, 0}, {1, 1}, 0, 2, 0, 0, 1, {3}, {4, 5, 6}},        // x[1, :]
      {{-1}, {0}, {1}, 0, 0, 0, 0, 1, {3}, {4, 5, 6}},                // x[-1]
      {{1}, {9}, {1}, 1, 1, 0, 0, 1, {3}, {4, 5, 6}},                 // shrink wins over the masks
      {{0, -1}, {0, 0}, {1, 1}, 0, 0, 1, 0, 2, {2}, {3, 6}},          // x[..., -1]
      {{0, 0}, {0, 0}, {1, 1}, 2, 2, 0, 1, 0, {1, 2, 3}, {1, 2, 3, 4, 5, 6}},  // x[newaxis, :]
      {{0, 0, 0}, {0, 0, 0}, {1, 1, 1}, 0, 0, 1, 6, 4, {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6}},
      {{0, 0}, {0, 0}, {-1, -2}, 3, 3, 0, 0, 0, {2, 2}, {6, 4, 3, 1}},  // x[::-1, ::-2]
      {{1, 2}, {-9, 0}, {-1, -1}, 0, 0, 0, 0, 0, {2, 2}, {6, 5, 3, 2}},
      {{0, 0}, {0, 0}, {1, 1}, 0, 2, 0, 0, 2, {0}, {}},
      {{0, 2}, {2, 1}, {1, 1}, 0, 0, 0, 0, 0, {2, 0}, {}},
  };
  for (const SliceCase& c : cases) {
    GraphMaker maker;
    maker.input("x", DataType::f32, {2, 3});
    maker.ints("b", c.begin).ints("e", c.end).ints("s", c.strides);
    maker.node("y", "StridedSlice", {"x", "b", "e", "s"},
               {{"begin_mask", c.begin_mask},
                {"end_mask", c.end_mask},
                {"ellipsis_mask", c.ellipsis},
                {"new_axis_mask", c.new_axis},
                {"shrink_axis_mask", c.shrink}});
    SCOPED_TRACE(testing::PrintToString(c.begin) + testing::PrintToString(c.shape));
    expect(maker, count({2, 3}), floats(c.shape, c.values));
  }
}

TEST(TfSlice, SizeMinusOneAndReverse) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2, 3}).ints("b", {0, 1}).ints("s", {1, -1}).ints("a", {-1});
  maker.node("part", "Slice", {"x", "b", "s"}).node("y", "ReverseV2", {"part", "a"});
  expect(maker, count({2, 3}), floats({1, 2}, {3, 2}));
}

TEST(TfParts, SplitUnpackConcat) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2, 3}).ints("sizes", {1, -1}).number("one", 1).number("neg", -1);
  maker.node("v", "SplitV", {"x", "sizes", "neg"}, {{"num_split", int64_t{2}}});
  maker.node("u", "Unpack", {"x"}, {{"num", int64_t{3}}, {"axis", int64_t{-1}}});
  maker.node("s", "Split", {"one", "x"}, {{"num_split", int64_t{3}}});
  maker.node("c", "ConcatV2", {"s:2", "v", "neg"}).node("d", "Concat", {"one", "s:2", "v"});
  maker.node("p", "Pack", {"u:1", "u:2"}, {{"axis", int64_t{-1}}});
  const auto out = run(maker, {count({2, 3})}, {"v:1", "u:2", "s:1", "c", "d", "p"});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ((*out)[0], floats({2, 2}, {2, 3, 5, 6}));
  EXPECT_EQ((*out)[1], floats({2}, {3, 6}));
  EXPECT_EQ((*out)[2], floats({2, 1}, {2, 5}));
  EXPECT_EQ((*out)[3], floats({2, 2}, {3, 1, 6, 4}));
  EXPECT_EQ((*out)[4], floats({2, 2}, {3, 1, 6, 4}));
  EXPECT_EQ((*out)[5], floats({2, 2}, {2, 3, 5, 6}));
}

TEST(TfParts, PadOrder) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {1, 2}).constant("v", Tensor::scalar<float>(9));
  maker.constant("p", Tensor::from<int32_t>({2, 2}, {1, 0, 0, 2}));  // one row above, two columns
  maker.node("y", "PadV2", {"x", "p", "v"});
  expect(maker, floats({1, 2}, {1, 2}), floats({2, 4}, {9, 9, 9, 9, 1, 2, 9, 9}));
}

TEST(TfParts, OneHotAndGather) {
  GraphMaker maker;
  maker.input("x", DataType::i32, {2}).number("depth", 3);
  maker.constant("on", Tensor::scalar<float>(5)).constant("off", Tensor::scalar<float>(-1));
  maker.node("y", "OneHot", {"x", "depth", "on", "off"}, {{"axis", int64_t{0}}});
  expect(maker, Tensor::from<int32_t>({2}, {2, 7}), floats({3, 2}, {-1, -1, -1, -1, 5, -1}));
}

TEST(TfMath, OrderOfClipAndNaN) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {3});
  maker.constant("lo", Tensor::scalar<float>(2)).constant("hi", Tensor::scalar<float>(1));
  maker.node("y", "ClipByValue", {"x", "lo", "hi"});
  expect(maker, floats({3}, {0, 1.5f, 9}), floats({3}, {2, 2, 2}));  // the lower bound wins
}

TEST(TfMath, SelectV1TakesRows) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2, 2}).constant("c", Tensor::from<bool>({2}, {false, true}));
  maker.node("n", "Neg", {"x"}).node("y", "Select", {"c", "x", "n"});
  expect(maker, count({2, 2}), floats({2, 2}, {-1, -2, 3, 4}));
}

TEST(TfReduction, AxesAndBooleans) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2, 3}).ints("last", {-1}).ints("none", {}).number("zero", 0);
  maker.constant("limit", Tensor::scalar<float>(2));
  maker.node("sum", "Sum", {"x", "last"}, {{"keep_dims", true}});
  maker.node("same", "Max", {"x", "none"}).node("scalar", "Mean", {"x", "zero"});
  maker.node("big", "Greater", {"x", "limit"}).node("all", "All", {"big", "last"});
  maker.node("any", "Any", {"big", "last"}).node("arg", "ArgMin", {"x", "zero"});
  const auto out = run(maker, {count({2, 3})}, {"sum", "same", "scalar", "all", "any", "arg"});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ((*out)[0], floats({2, 1}, {6, 15}));
  EXPECT_EQ((*out)[1], count({2, 3}));
  EXPECT_EQ((*out)[2], floats({3}, {2.5f, 3.5f, 4.5f}));
  EXPECT_EQ((*out)[3], Tensor::from<bool>({2}, {false, true}));
  EXPECT_EQ((*out)[4], Tensor::from<bool>({2}, {true, true}));
  EXPECT_EQ((*out)[5], Tensor::from<int64_t>({3}, {0, 0, 0}));
}

}  // namespace
}  // namespace hone::tf

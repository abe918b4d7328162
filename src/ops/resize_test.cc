#include "ops/resize.h"

#include <gtest/gtest.h>

#include "ops/ops.h"

namespace hone {
namespace {

Tensor row(const std::vector<float>& values) {
  return Tensor::from<float>({static_cast<int64_t>(values.size())}, values);
}

Result<Tensor> run(const ResizeAttributes& attributes, const std::vector<float>& data,
                   std::vector<int64_t> sizes = {}) {
  std::vector<Tensor> inputs = {row(data)};
  if (!sizes.empty()) inputs.push_back(Tensor::from({1}, sizes));
  HONE_ASSIGN_OR_RETURN(auto outputs, evaluate_reference(op("Resize"), attributes, {}, inputs));
  return outputs[0];
}

TEST(ResizeTest, Linear) {
  EXPECT_EQ(*run({.mode = "linear", .scales = {2}}, {1, 3}), row({1, 1.5, 2.5, 3}));
  EXPECT_EQ(*run({.mode = "linear", .coordinates = "align_corners"}, {1, 4}, {4}),
            row({1, 2, 3, 4}));
  EXPECT_EQ(*run({.mode = "linear", .scales = {2}, .coordinates = "asymmetric"}, {1, 3}),
            row({1, 2, 3, 3}));
}

TEST(ResizeTest, Nearest) {
  EXPECT_EQ(*run({.scales = {2}}, {1, 3}), row({1, 1, 3, 3}));
  // 3 elements of 6, at 0.5, 2.5 and 4.5.
  const std::vector<float> six = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(*run({.rounding = "round_prefer_floor"}, six, {3}), row({0, 2, 4}));
  EXPECT_EQ(*run({.rounding = "round_prefer_ceil"}, six, {3}), row({1, 3, 5}));
  EXPECT_EQ(*run({.rounding = "floor"}, six, {3}), row({0, 2, 4}));
  EXPECT_EQ(*run({.rounding = "ceil"}, six, {3}), row({1, 3, 5}));
}

TEST(ResizeTest, CubicInterpolatesAndOvershoots) {
  // In the middle between equal neighbours 1 1 with 0 0 outside: a = -0.75 gives 0.59375 twice.
  const auto middle = run({.mode = "cubic", .coordinates = "half_pixel"}, {0, 1, 1, 0}, {1});
  EXPECT_EQ(*middle, row({1.1875}));
  EXPECT_EQ(*run({.mode = "cubic", .scales = {1}}, {3, 1, 4}), row({3, 1, 4}));
}

TEST(ResizeTest, WrongAttributesAreErrors) {
  EXPECT_FALSE(run({.mode = "area", .scales = {2}}, {1}).ok());
  EXPECT_FALSE(run({.scales = {2}, .coordinates = "x"}, {1}).ok());
  EXPECT_FALSE(run({.scales = {2}, .rounding = "x"}, {1}).ok());
  EXPECT_FALSE(run({.scales = {0}}, {1}).ok());
  EXPECT_FALSE(run({.scales = {2, 2}}, {1}).ok());
  EXPECT_FALSE(run({.scales = {2}}, {1}, {2}).ok());
  EXPECT_FALSE(run({.axes = {1}, .scales = {2}}, {1}).ok());
  EXPECT_FALSE(run({}, {}, {2}).ok());
}

}  // namespace
}  // namespace hone

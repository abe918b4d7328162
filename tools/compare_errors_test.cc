#include "compare_errors.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::tools {
namespace {

TEST(OutputError, MeasuresAreRelativeToTheRange) {
  const auto error =
      output_error(Tensor::from<float>({4}, {0, 2, 4, 8}), Tensor::from<float>({4}, {0, 2, 5, 8}))
          .value();
  EXPECT_DOUBLE_EQ(error.max_abs, 1);
  EXPECT_DOUBLE_EQ(error.range, 8);
  EXPECT_DOUBLE_EQ(error.max_relative, 0.125);
  EXPECT_DOUBLE_EQ(error.rms, 0.5);
}

TEST(OutputError, ConstantsAndEmpty) {
  const auto constant =
      output_error(Tensor::from<float>({2}, {4, 4}), Tensor::from<float>({2}, {4, 5})).value();
  EXPECT_DOUBLE_EQ(constant.max_relative, 0.25);
  const auto zero =
      output_error(Tensor::from<float>({1}, {0}), Tensor::from<float>({1}, {0.5f})).value();
  EXPECT_DOUBLE_EQ(zero.max_relative, 0.5);
  EXPECT_EQ(
      output_error(Tensor::from<float>({0}, {}), Tensor::from<float>({0}, {})).value().max_abs, 0);
}

TEST(OutputError, NanAndInfinity) {
  const auto same = Tensor::from<float>({3}, {NAN, INFINITY, 1});
  EXPECT_EQ(output_error(same, same.clone()).value().max_abs, 0);
  const auto nan = Tensor::from<float>({3}, {1, INFINITY, NAN});
  EXPECT_TRUE(std::isinf(output_error(same, nan).value().max_abs));
}

TEST(OutputError, ShapeAndDtypeMustAgree) {
  EXPECT_EQ(output_error(Tensor::zeros(DataType::f32, {2}), Tensor::zeros(DataType::f32, {3}))
                .status()
                .code(),
            Code::kShape);
  EXPECT_FALSE(
      output_error(Tensor::zeros(DataType::f32, {2}), Tensor::zeros(DataType::i32, {2})).ok());
}

}  // namespace
}  // namespace hone::tools

#include "tactics/step_work.h"

#include <gtest/gtest.h>

#include "tactics/tactic_test_util.h"

namespace hone {
namespace {

TEST(StepWork, ConvolutionsMatrixProductsAndLookUps) {
  ProblemMaker maker(1);
  ConvAttributes conv;
  conv.strides = {1, 1};
  maker.add("conv", "Conv", Attributes(conv),
            {maker.random({1, 5, 6, 4}), maker.random({8, 1, 1, 4}), maker.random({8})});
  const StepDesc& c = maker.last().step;
  EXPECT_DOUBLE_EQ(step_gflop(c), 2e-9 * 5 * 6 * 8 * 4);
  EXPECT_DOUBLE_EQ(step_bytes(c), 4 * (5 * 6 * 4 + 8 * 4 + 8 + 5 * 6 * 8));

  maker.add("matmul", "MatMul", {}, {maker.random({3, 7}), maker.random({7, 2})});
  const StepDesc& m = maker.last().step;
  EXPECT_DOUBLE_EQ(step_gflop(m), 2e-9 * 3 * 7 * 2);
  EXPECT_DOUBLE_EQ(step_bytes(m), 4 * (3 * 7 + 7 * 2 + 3 * 2));

  // Of the table only the rows that are taken.
  maker.add("gather", "Gather", {}, {maker.random({1000, 16}), maker.integers({3}, 0, 999)});
  EXPECT_DOUBLE_EQ(step_bytes(maker.last().step), 2 * 3 * 16 * 4 + 3 * 8);
}

}  // namespace
}  // namespace hone

#include "passes/fold_constants.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FoldConstantsTest, BatchNormOfKeras) {
  expect_pass(fold_constants, R"(graph {
    input %x: f32[N,2]
    const %variance: f32[2] = [3, 15]
    const %epsilon: f32[] = [1]
    const %gamma: f32[2] = [2, 4]
    %sum = Add(%variance, %epsilon)
    %inverse = Rsqrt(%sum)
    %scale = Mul(%inverse, %gamma)
    %y = Mul(%x, %scale)
    output %y
    output %scale
  })",
              R"(graph {
    input %x: f32[N,2]
    const %scale: f32[2] = [1, 1]
    %y = Mul(%x, %scale)
    output %y
    output %scale
  })");
}

TEST(FoldConstantsTest, KeepsNames) {
  Graph graph = read_graph(R"(graph {
    const %a: f32[2] = [1, 2]
    %b: f32[2] @"source:0" = Neg(%a)
    %c = Split(%b) {axis=0, sizes=[2]}
    output %b
    output %c
  })");
  EXPECT_TRUE(run_pass(fold_constants, graph));
  EXPECT_EQ(graph.num_nodes(), 0u);
  ASSERT_TRUE(graph.find_value("b"));
  EXPECT_EQ(graph.find_value("b")->source(), "source:0");
}

TEST(FoldConstantsTest, LargeResultsStay) {
  expect_unchanged(fold_constants, R"(graph {
    input %x: f32[1]
    const %a: f32[1] = [1]
    const %shape: i64[1] = [100000]
    %b = Expand(%a, %shape)
    %y = Mul(%x, %b)
    output %y
  })");
}

// An integer divided by zero is an error of its own, when it runs.
TEST(FoldConstantsTest, ErrorsStay) {
  expect_unchanged(fold_constants, R"(graph {
    const %a: i64[1] = [1]
    const %b: i64[1] = [0]
    %y = Div(%a, %b)
    output %y
  })");
}

}  // namespace
}  // namespace hone

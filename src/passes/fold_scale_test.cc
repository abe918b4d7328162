#include "passes/fold_scale.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FoldScaleTest, BatchNormBehindConv) {
  expect_pass(fold_scale, R"(graph {
    input %x: f32[N,4,4,1]
    const %w: f32[2,1,1,1] = [3, 5]
    const %b: f32[2] = [1, 2]
    const %scale: f32[2] = [2, 0.5]
    const %shift: f32[1,1,1,2] = [10, 20]
    const %four: f32[] = [4]
    %conv = Conv(%x, %w, %b) {pads=[1,1,1,1]}
    %mul = Mul(%conv, %scale)
    %add = Add(%mul, %shift)
    %sub = Sub(%four, %add)
    %div = Div(%sub, %four)
    output %div
  })",
              R"(graph {
    input %x: f32[N,4,4,1]
    const %w: f32[2,1,1,1] = [-1.5, -0.625]
    const %b: f32[2] = [-2, -4.25]
    %div = Conv(%x, %w, %b) {pads=[1,1,1,1]}
    output %div
  })");
}

TEST(FoldScaleTest, BiasOfDepthwise) {
  expect_pass(fold_scale, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[4,1,1,1] = [1, 2, 3, 4]
    const %b: f32[4] = [1, 2, 3, 4]
    const %scale: f32[4] = [2, 4, 8, 16]
    const %before: f32[2] = [3, 5]
    %s = Mul(%x, %before)
    %conv = Conv(%s, %w) {groups=2}
    %mul = Mul(%conv, %scale)
    %add = Add(%mul, %b)
    output %add
  })",
              R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[4,1,1,1] = [6, 24, 120, 320]
    const %b: f32[4] = [1, 2, 3, 4]
    %add = Conv(%x, %w, %b) {groups=2}
    output %add
  })");
}

// Two groups of one channel; the shift stays as an Add, for there is no bias.
TEST(FoldScaleTest, AroundConvTranspose) {
  expect_pass(fold_scale, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,2,1] = [1, 2, 3, 4]
    const %before: f32[2] = [2, 4]
    const %scale: f32[2] = [3, 5]
    const %shift: f32[2] = [1, 2]
    const %size: i64[2] = [4, 9]
    %s = Mul(%x, %before)
    %conv = ConvTranspose(%s, %w, %size) {strides=[1,2], groups=2}
    %mul = Mul(%conv, %scale)
    %add = Add(%mul, %shift)
    output %add
  })",
              R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,2,1] = [6, 12, 60, 80]
    const %shift: f32[2] = [1, 2]
    const %size: i64[2] = [4, 9]
    %conv = ConvTranspose(%x, %w, %size) {strides=[1,2], groups=2}
    %add = Add(%conv, %shift)
    output %add
  })");
}

TEST(FoldScaleTest, InFrontOfConv) {
  expect_pass(fold_scale, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = [1, 2, 3, 4]
    const %scale: f32[2] = [2, 4]
    const %shift: f32[2] = [-1, -2]
    %s = Mul(%x, %scale)
    %t = Add(%s, %shift)
    %y = Conv(%t, %w)
    output %y
  })",
              R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = [2, 8, 6, 16]
    const %b: f32[2] = [-5, -11]
    %y = Conv(%x, %w, %b)
    output %y
  })");
}

TEST(FoldScaleTest, MatMul) {
  expect_pass(fold_scale, R"(graph {
    input %x: f32[N,2]
    const %w: f32[2,2] = [1, 2, 3, 4]
    const %b: f32[2] = [1, 2]
    const %scale: f32[2] = [2, 4]
    const %front: f32[2] = [10, 100]
    %s = Mul(%x, %front)
    %m = MatMul(%s, %w)
    %a = Add(%m, %b)
    %y = Mul(%a, %scale)
    %n = MatMul(%x, %w) {transpose_b=true}
    %z = Mul(%n, %scale)
    output %y
    output %z
  })",
              R"(graph {
    input %x: f32[N,2]
    const %w: f32[2,2] = [20, 80, 600, 1600]
    const %b: f32[2] = [2, 8]
    const %v: f32[2,2] = [2, 4, 12, 16]
    %m = MatMul(%x, %w)
    %y = Add(%m, %b)
    %z = MatMul(%x, %v) {transpose_b=true}
    output %y
    output %z
  })");
}

TEST(FoldScaleTest, WhatIsNotPerChannelStays) {
  expect_unchanged(fold_scale, R"(graph {
    input %x: f32[2,4,4,2]
    input %weights: f32[2,3,3,2]
    const %w: f32[2,3,3,2] = random(1)
    const %c: f32[2] = [1, 2]
    const %row: f32[4,1] = [1, 2, 3, 4]
    const %zero: f32[2] = [0, 1]
    %shifted = Add(%x, %c)
    %padded = Conv(%shifted, %w) {pads=[1,1,1,1]}
    %same = Conv(%x, %w) {auto_pad="same_upper"}
    %rows = Mul(%same, %row)
    %computed = Conv(%x, %weights)
    %scaled = Mul(%computed, %c)
    %valid = Conv(%x, %w)
    %infinite = Div(%valid, %zero)
    %shared = Conv(%x, %w) {pads=[1,1,1,1]}
    %used = Add(%shared, %c)
    output %padded
    output %rows
    output %scaled
    output %infinite
    output %shared
    output %used
  })");
}

TEST(FoldScaleTest, KeepsNamesAndSources) {
  Graph graph = read_graph(R"(graph {
    input %x: f32[N,4,4,1]
    const %w: f32[2,1,1,1] = [3, 5]
    const %scale: f32[2] = [2, 0.5]
    %conv = Conv(%x, %w)
    %mul: f32[N,4,4,2] @"bn:0" = Mul(%conv, %scale) "bn" from ["bn/mul", "bn/add"]
    output %mul
  })");
  EXPECT_TRUE(run_pass(fold_scale, graph));
  const Node* conv = graph.nodes()[0];
  EXPECT_EQ(conv->name(), "conv");
  EXPECT_EQ(conv->sources(), (std::vector<std::string>{"conv", "bn/mul", "bn/add"}));
  EXPECT_EQ(conv->output()->name(), "mul");
  EXPECT_EQ(conv->output()->source(), "bn:0");
}

}  // namespace
}  // namespace hone

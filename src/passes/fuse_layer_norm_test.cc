#include "passes/fuse_layer_norm.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FuseLayerNormTest, SqrtAndDiv) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,M,6]
    const %eps: f32[] = [0.001]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    %mean = ReduceMean(%x) {axes=[-1]}
    %d = Sub(%x, %mean)
    %square = Square(%d)
    %variance = ReduceMean(%square) {axes=[-1]}
    %sum = Add(%variance, %eps)
    %deviation = Sqrt(%sum)
    %n = Div(%d, %deviation)
    %scaled = Mul(%n, %gamma)
    %y = Add(%scaled, %beta)
    output %y
  })",
              R"(graph {
    input %x: f32[N,M,6]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    %y = LayerNormalization(%x, %gamma, %beta) {epsilon=0.001}
    output %y
  })");
}

// TensorFlow's and Keras's, here with the mean negated first, as Keras 3 has it.
TEST(FuseLayerNormTest, ScaleInFactorAndShift) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,M,6]
    const %eps: f32[] = [0.01]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    %mean = ReduceMean(%x) {axes=[2]}
    %square = SquaredDifference(%x, %mean)
    %variance = ReduceMean(%square) {axes=[2]}
    %sum = Add(%variance, %eps)
    %inverse = Rsqrt(%sum)
    %factor = Mul(%inverse, %gamma)
    %minus = Neg(%mean)
    %shift = Mul(%minus, %factor)
    %res = Add(%shift, %beta)
    %scaled = Mul(%x, %factor)
    %y = Add(%scaled, %res)
    output %y
  })",
              R"(graph {
    input %x: f32[N,M,6]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    %y = LayerNormalization(%x, %gamma, %beta) {epsilon=0.01}
    output %y
  })");
}

// Keras 2, not fused: beta - mean * factor; here over two axes, and a residual behind.
TEST(FuseLayerNormTest, ShiftFromBeta) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,3,4]
    const %eps: f32[] = [0.01]
    const %gamma: f32[1,3,4] = random(1)
    const %beta: f32[1,3,4] = random(2)
    %mean = ReduceMean(%x) {axes=[1,2]}
    %square = SquaredDifference(%x, %mean)
    %variance = ReduceMean(%square) {axes=[1,2]}
    %sum = Add(%variance, %eps)
    %root = Sqrt(%sum)
    %inverse = Reciprocal(%root)
    %factor = Mul(%inverse, %gamma)
    %shift = Mul(%mean, %factor)
    %res = Sub(%beta, %shift)
    %scaled = Mul(%x, %factor)
    %n = Add(%scaled, %res)
    %y = Add(%n, %x)
    output %y
  })",
              R"(graph {
    input %x: f32[N,3,4]
    const %gamma: f32[1,3,4] = random(1)
    const %beta: f32[1,3,4] = random(2)
    %n = LayerNormalization(%x, %gamma, %beta) {axes=[-2,-1], epsilon=0.01}
    %y = Add(%n, %x)
    output %y
  })");
}

// Keras 2, fused: batch normalization with the statistics of the batch, a channel per row.
TEST(FuseLayerNormTest, BetweenReshapes) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,M,6]
    const %eps: f32[] = [0.01]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    const %one: f32[] = [1]
    const %nil: f32[] = [0]
    const %channel: i64[1] = [1]
    const %channel_end: i64[1] = [2]
    %flat = Reshape(%x) {shape="[1,d0*d1,d2,1]"}
    %flat_shape = Shape(%flat)
    %rows = Slice(%flat_shape, %channel, %channel_end)
    %scale = Fill(%rows, %one)
    %offset = Fill(%rows, %nil)
    %scales = Unsqueeze(%scale) {axes=[1,2]}
    %offsets = Unsqueeze(%offset) {axes=[1,2]}
    %mean = ReduceMean(%flat) {axes=[0,2,3]}
    %d = Sub(%flat, %mean)
    %square = Square(%d)
    %variance = ReduceMean(%square) {axes=[0,2,3]}
    %sum = Add(%variance, %eps)
    %inverse = Rsqrt(%sum)
    %n = Mul(%d, %inverse)
    %n1 = Mul(%n, %scales)
    %n2 = Add(%n1, %offsets)
    %x_shape = Shape(%x)
    %back = Reshape(%n2, %x_shape)
    %g = Mul(%back, %gamma)
    %y = Add(%g, %beta)
    output %y
  })",
              R"(graph {
    input %x: f32[N,M,6]
    const %gamma: f32[6] = random(1)
    const %beta: f32[6] = random(2)
    %y = LayerNormalization(%x, %gamma, %beta) {epsilon=0.01}
    output %y
  })");
}

TEST(FuseLayerNormTest, RootMeanSquare) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,6]
    const %eps: f32[] = [0.01]
    const %half: f32[] = [-0.5]
    const %gamma: f32[6] = random(1)
    %square = Square(%x)
    %mean = ReduceMean(%square) {axes=[-1]}
    %sum = Add(%mean, %eps)
    %inverse = Pow(%sum, %half)
    %n = Mul(%x, %inverse)
    %y = Mul(%gamma, %n)
    output %y
  })",
              R"(graph {
    input %x: f32[N,6]
    const %gamma: f32[6] = random(1)
    %y = RMSNormalization(%x, %gamma) {epsilon=0.01}
    output %y
  })");
}

// A scale that is no row stays outside, and so does a bias behind it; a bias alone gets a scale.
TEST(FuseLayerNormTest, OtherScalesAndBiases) {
  expect_pass(fuse_layer_norm, R"(graph {
    input %x: f32[N,6]
    input %gate: f32[N,6]
    const %eps: f32[] = [0.01]
    const %beta: f32[6] = random(2)
    %mean = ReduceMean(%x) {axes=[-1]}
    %d = Sub(%x, %mean)
    %square = Square(%d)
    %variance = ReduceMean(%square) {axes=[-1]}
    %sum = Add(%variance, %eps)
    %inverse = Rsqrt(%sum)
    %gated = Mul(%inverse, %gate)
    %a = Mul(%d, %gated)
    %y = Add(%a, %beta)
    %b = Mul(%d, %inverse)
    %z = Add(%b, %beta)
    output %y
    output %z
  })",
              R"(graph {
    input %x: f32[N,6]
    input %gate: f32[N,6]
    const %beta: f32[6] = random(2)
    const %ones: f32[6] = [1, 1, 1, 1, 1, 1]
    %n = LayerNormalization(%x) {epsilon=0.01}
    %a = Mul(%n, %gate)
    %y = Add(%a, %beta)
    %z = LayerNormalization(%x, %ones, %beta) {epsilon=0.01}
    output %y
    output %z
  })");
}

TEST(FuseLayerNormTest, LooksAlikeAndIsNot) {
  // Axes that are not the last, a mean over other axes, and x where x - mean belongs.
  expect_unchanged(fuse_layer_norm, R"(graph {
    input %x: f32[N,4,6]
    const %eps: f32[] = [0.01]
    %mean = ReduceMean(%x) {axes=[1]}
    %d = Sub(%x, %mean)
    %square = Square(%d)
    %v1 = ReduceMean(%square) {axes=[1]}
    %s1 = Add(%v1, %eps)
    %i1 = Rsqrt(%s1)
    %y1 = Mul(%d, %i1)
    %v2 = ReduceMean(%square) {axes=[2]}
    %s2 = Add(%v2, %eps)
    %i2 = Rsqrt(%s2)
    %y2 = Mul(%x, %i2)
    %m3 = ReduceMean(%x) {axes=[2]}
    %d3 = SquaredDifference(%x, %m3)
    %v3 = ReduceMean(%d3) {axes=[2]}
    %s3 = Add(%v3, %eps)
    %i3 = Rsqrt(%s3)
    %y3 = Mul(%x, %i3)
    output %y1
    output %y2
    output %y3
  })");
}

}  // namespace
}  // namespace hone

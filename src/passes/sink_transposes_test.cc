#include "passes/sink_transposes.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(SinkTransposesTest, PointwiseAndInverse) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    const %c: f32[2,1,1] = [1, 2]
    const %s: f32[] = [3]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %b = Add(%a, %c)
    %d = Mul(%b, %s)
    %e = Mul(%d, %a)
    %y = Transpose(%e) {perm=[0,2,3,1]}
    output %y
  })",
              R"(graph {
    input %x: f32[N,4,5,2]
    const %c: f32[1,1,1,2] = [1, 2]
    const %s: f32[] = [3]
    %b = Add(%x, %c)
    %d = Mul(%b, %s)
    %e = Mul(%d, %x)
    output %e as "y"
  })");
}

// As tf2onnx writes a layer norm: gamma / sigma, the smaller one, has a Transpose of its own.
TEST(SinkTransposesTest, SmallOperandThatMeetsALargeOne) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    const %gamma: f32[2,1,1] = [1, 2]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %s = ReduceMax(%x) {axes=[3]}
    %t = Transpose(%s) {perm=[0,3,1,2]}
    %f = Mul(%t, %gamma)
    %e = Mul(%a, %f)
    %y = Transpose(%e) {perm=[0,2,3,1]}
    output %y
  })",
              R"(graph {
    input %x: f32[N,4,5,2]
    const %gamma: f32[1,1,1,2] = [1, 2]
    %s = ReduceMax(%x) {axes=[3]}
    %f = Mul(%s, %gamma)
    %e = Mul(%x, %f)
    output %e as "y"
  })");
}

TEST(SinkTransposesTest, MovementsAndReductions) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    const %pads: i64[8] = [0,0,1,2,0,0,3,4]
    const %begin: i64[1] = [1]
    const %end: i64[1] = [4]
    const %axis: i64[1] = [-1]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %b = Concat(%a, %a) {axis=1}
    %p = Pad(%b, %pads)
    %s = Slice(%p, %begin, %end, %axis)
    %c, %d = Split(%s) {axis=1, sizes=[1,3]}
    %m = Softmax(%d) {axis=1}
    %r = ReduceMean(%m) {axes=[2,3], keepdims=false}
    %k = ReduceMax(%c) {axes=[1]}
    %q = Squeeze(%k) {axes=[1]}
    output %r
    output %q
  })",
              R"(graph {
    input %x: f32[N,4,5,2]
    const %pads: i64[8] = [0,1,2,0,0,3,4,0]
    const %begin: i64[1] = [1]
    const %end: i64[1] = [4]
    const %axis: i64[1] = [2]
    %b = Concat(%x, %x) {axis=3}
    %p = Pad(%b, %pads)
    %s = Slice(%p, %begin, %end, %axis)
    %c, %d = Split(%s) {axis=3, sizes=[1,3]}
    %m = Softmax(%d) {axis=3}
    %r = ReduceMean(%m) {axes=[1,2], keepdims=false}
    %k = ReduceMax(%c) {axes=[3]}
    %q = Squeeze(%k) {axes=[3]}
    output %r
    output %q
  })");
}

TEST(SinkTransposesTest, ReductionOfOneDimensionKeepsTheRest) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %r = ReduceSum(%a) {axes=[3], keepdims=false}
    %i = ArgMax(%a) {axis=2, keepdims=false}
    %u = Unsqueeze(%a) {axes=[2]}
    output %r
    output %i
    output %u
  })",
              R"(graph {
    input %x: f32[N,4,5,2]
    %s = ReduceSum(%x) {axes=[2], keepdims=false}
    %r = Transpose(%s) {perm=[0,2,1]}
    %j = ArgMax(%x) {axis=1, keepdims=false}
    %i = Transpose(%j) {perm=[0,2,1]}
    %v = Unsqueeze(%x) {axes=[2]}
    %u = Transpose(%v) {perm=[0,4,2,1,3]}
    output %r
    output %i
    output %u
  })");
}

TEST(SinkTransposesTest, FlattenGoesIntoWeights) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,1,2,2]
    const %shape: i64[2] = [0,-1]
    const %w: f32[4,1] = [1, 2, 3, 4]
    const %v: f32[1,4] = [1, 2, 3, 4]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %f = Reshape(%a, %shape)
    %y = MatMul(%f, %w)
    %z = MatMul(%f, %v) {transpose_b=true}
    output %y
    output %z
  })",
              R"(graph {
    input %x: f32[N,1,2,2]
    const %shape: i64[2] = [0,4]
    const %w: f32[4,1] = [1, 3, 2, 4]
    const %v: f32[1,4] = [1, 3, 2, 4]
    %f = Reshape(%x, %shape)
    %y = MatMul(%f, %w)
    %z = MatMul(%f, %v) {transpose_b=true}
    output %y
    output %z
  })");
}

// Patches of a vision transformer, and what global pooling leaves.
TEST(SinkTransposesTest, Reshapes) {
  expect_pass(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    input %pooled: f32[N,1,1,2]
    const %patches: i64[3] = [0,2,20]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %b = Reshape(%a, %patches)
    %y = Transpose(%b) {perm=[0,2,1]}
    %z = Transpose(%pooled) {perm=[0,3,1,2]}
    output %y
    output %z
  })",
              R"(graph {
    input %x: f32[N,4,5,2]
    input %pooled: f32[N,1,1,2]
    const %patches: i64[3] = [0,20,2]
    const %shape: i64[4] = [0,2,1,1]
    %y = Reshape(%x, %patches)
    %z = Reshape(%pooled, %shape)
    output %y
    output %z
  })");
}

TEST(SinkTransposesTest, WhatCannotMoveStays) {
  expect_unchanged(sink_transposes, R"(graph {
    input %x: f32[N,4,5,2]
    input %z: f32[N,2,4,5]
    const %flat: i64[2] = [0,40]
    const %w: f32[3,1,1,2] = random(1)
    %a = Transpose(%z) {perm=[0,3,2,1]}
    %conv = Conv(%a, %w)
    %b = Transpose(%x) {perm=[0,3,1,2]}
    %sum = Add(%b, %z)
    %c = Transpose(%x) {perm=[0,3,1,2]}
    %f = Reshape(%c, %flat)
    %d = Transpose(%x) {perm=[0,3,1,2]} epilogue{t0=Relu(x0);}()
    %e = Relu(%d)
    output %conv
    output %sum
    output %f
    output %e
  })");
}

}  // namespace
}  // namespace hone

#include "passes/delay_reshapes.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

// A Dense layer over three dimensions as Keras and tf2onnx write it.
TEST(DelayReshapesTest, DenseOfThreeDimensions) {
  expect_pass(delay_reshapes, R"(graph {
    input %x: f32[N,8,4]
    const %rows: i64[2] = [-1, 4]
    const %back: i64[3] = [-1, 8, 6]
    const %w: f32[4,6] = random(1)
    const %b: f32[6] = random(2)
    %flat = Reshape(%x, %rows)
    %product = MatMul(%flat, %w)
    %deep = Reshape(%product, %back)
    %sum = Add(%deep, %b)
    %y = Gelu(%sum)
    output %y
  })",
              R"(graph {
    input %x: f32[N,8,4]
    const %w: f32[4,6] = random(1)
    const %b: f32[6] = random(2)
    %deep = MatMul(%x, %w)
    %sum = Add(%deep, %b)
    %y = Gelu(%sum)
    output %y
  })");
}

// The query of Keras's MultiHeadAttention.
TEST(DelayReshapesTest, BiasOfHeads) {
  expect_pass(delay_reshapes, R"(graph {
    input %x: f32[N,8,4]
    const %heads: i64[4] = [-1, 8, 2, 3]
    const %w: f32[4,6] = random(1)
    const %b: f32[2,3] = random(2)
    const %two: f32[] = [2]
    %product = MatMul(%x, %w)
    %deep = Reshape(%product, %heads)
    %sum = Add(%deep, %b)
    %y = Mul(%sum, %two)
    output %y
  })",
              R"(graph {
    input %x: f32[N,8,4]
    const %w: f32[4,6] = random(1)
    const %b: f32[6] = random(2)
    const %two: f32[] = [2]
    const %y/shape: i64[4] = [0, 8, 2, 3]
    %product = MatMul(%x, %w)
    %sum = Add(%product, %b)
    %mul = Mul(%sum, %two)
    %y = Reshape(%mul, %y/shape)
    output %y
  })");
}

// Other operands of the Reshape's shape are seen as the product has it; a value that is read twice
// moves too.
TEST(DelayReshapesTest, FullOperands) {
  expect_pass(delay_reshapes, R"(graph {
    input %x: f32[N,8,4]
    input %r: f32[N,2,4,6]
    const %heads: i64[4] = [-1, 2, 4, 6]
    const %w: f32[4,6] = random(1)
    %product = MatMul(%x, %w)
    %deep = Reshape(%product, %heads)
    %sum = Add(%r, %deep)
    %y = Pointwise(%sum, %sum) {program="2:t0=Sigmoid(x0);t1=Mul(x1,t0);"}
    output %y
  })",
              R"(graph {
    input %x: f32[N,8,4]
    input %r: f32[N,2,4,6]
    const %w: f32[4,6] = random(1)
    const %r/shape: i64[3] = [0, 8, 6]
    const %y/shape: i64[4] = [0, 2, 4, 6]
    %product = MatMul(%x, %w)
    %rows = Reshape(%r, %r/shape)
    %sum = Add(%rows, %product)
    %act = Pointwise(%sum, %sum) {program="2:t0=Sigmoid(x0);t1=Mul(x1,t0);"}
    %y = Reshape(%act, %y/shape)
    output %y
  })");
}

TEST(DelayReshapesTest, WhatDoesNotFitStays) {
  expect_unchanged(delay_reshapes, R"(graph {
    input %x: f32[N,8,4]
    input %v: f32[8,1,1]
    const %heads: i64[4] = [-1, 8, 2, 3]
    const %rows: i64[2] = [-1, 8]
    const %flat: i64[2] = [-1, 6]
    const %w: f32[4,6] = random(1)
    const %u: f32[8,6] = random(2)
    const %part: f32[3] = random(3)
    const %deep: f32[8,6] = random(4)
    %a = MatMul(%x, %w)
    %a4 = Reshape(%a, %heads)
    %part_of_channel = Add(%a4, %part)
    %b = MatMul(%x, %w)
    %b4 = Reshape(%b, %heads)
    %not_constant = Add(%b4, %v)
    %c = MatMul(%x, %w)
    %c2 = Reshape(%c, %flat)
    %read_twice = Add(%c2, %c2)
    %again = Mul(%c2, %read_twice)
    %joined = Reshape(%x, %rows)
    %d = MatMul(%joined, %u)
    output %part_of_channel
    output %not_constant
    output %again
    output %d
  })");
}

}  // namespace
}  // namespace hone

#include "passes/canonicalize.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(CanonicalizeTest, OneSpelling) {
  expect_pass(canonicalize, R"(graph {
    input %x: f32[N,2]
    input %m: f32[2,2]
    const %zero: f32[] = [0]
    const %c: f32[2] = [1, -2]
    const %two: f32[] = [2]
    %a = Sub(%x, %c)
    %b = Max(%zero, %a)
    %d = Mul(%b, %b)
    %e = Pow(%d, %two)
    %f = Div(%e, %two)
    %t = Transpose(%m) {perm=[1,0]}
    %y = MatMul(%f, %t)
    output %y
  })",
              R"(graph {
    input %x: f32[N,2]
    input %m: f32[2,2]
    const %c: f32[2] = [-1, 2]
    const %half: f32[] = [0.5]
    %a = Add(%x, %c)
    %b = Relu(%a)
    %d = Square(%b)
    %e = Square(%d)
    %f = Mul(%e, %half)
    %y = MatMul(%f, %m) {transpose_b=true}
    output %y
  })");
}

TEST(CanonicalizeTest, NeutralOperands) {
  expect_pass(canonicalize, R"(graph {
    input %x: f32[N,2]
    const %zero: f32[2] = [0, 0]
    const %one: f32[] = [1]
    %a = Add(%zero, %x)
    %b = Mul(%a, %one)
    %c = Div(%b, %one)
    %d = Sub(%c, %zero)
    %y = Relu(%d)
    output %y
  })",
              R"(graph {
    input %x: f32[N,2]
    %y = Relu(%x)
    output %y
  })");
}

TEST(CanonicalizeTest, WhatIsDifferentStays) {
  expect_unchanged(canonicalize, R"(graph {
    input %x: f32[N,2]
    const %zero: f32[] = [0]
    const %three: f32[] = [3]
    const %zeros: f32[2,1,2] = splat(0)
    const %i: i32[2] = [1, 2]
    const %k: i32[2] = [3, 4]
    %a = Mul(%x, %zero)
    %b = Div(%x, %three)
    %c = Add(%x, %zeros)
    %d = Sub(%three, %x)
    %e = Sub(%i, %k)
    %f = Transpose(%x) {perm=[1,0]}
    output %a
    output %b
    output %c
    output %d
    output %e
    output %f
  })");
}

}  // namespace
}  // namespace hone

#include "passes/resolve_shapes.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(ResolveShapesTest, ShapeChainOfKeras) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,2,3]
    const %begin: i64[1] = [0]
    const %end: i64[1] = [1]
    const %rest: i64[2] = [3,2]
    %shape = Shape(%x)
    %batch = Slice(%shape, %begin, %end)
    %target = Concat(%batch, %rest) {axis=0}
    %y = Reshape(%x, %target)
    output %y
  })",
              R"(graph {
    input %x: f32[N,2,3]
    const %target: i64[3] = [0,3,2]
    %y = Reshape(%x, %target)
    output %y
  })");
}

TEST(ResolveShapesTest, SizeOfATransposedConvolution) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,H,W,3]
    const %w: f32[2,3,4,3] = random(3)
    const %places: i64[2] = [1,2]
    const %two: i64[2] = [2,3]
    %shape = Shape(%x)
    %small = Gather(%shape, %places)
    %size = Mul(%small, %two)
    %y = ConvTranspose(%x, %w, %size) {strides=[2,3], auto_pad="same_upper"}
    output %y
  })",
              R"(graph {
    input %x: f32[N,H,W,3]
    const %w: f32[2,3,4,3] = random(3)
    %y = ConvTranspose(%x, %w) {strides=[2,3], pads=[0,0,1,1], output_padding=[0,0]}
    output %y
  })");
}

TEST(ResolveShapesTest, SizesThatAreMultiples) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,H,W,3]
    const %places: i64[2] = [1,2]
    const %two: i64[1] = [2]
    %shape = Shape(%x)
    %small = Gather(%shape, %places)
    %size = Mul(%small, %two)
    %y = Resize(%x, %size) {mode="linear", axes=[1,2]}
    output %y
  })",
              R"(graph {
    input %x: f32[N,H,W,3]
    %y = Resize(%x) {mode="linear", axes=[1,2], scales=[2,2]}
    output %y
  })");
}

TEST(ResolveShapesTest, KnownElementsBecomeConstants) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,2,3]
    const %begin: i64[1] = [1]
    const %end: i64[1] = [3]
    %shape = Shape(%x)
    %part = Slice(%shape, %begin, %end)
    output %part
  })",
              R"(graph {
    input %x: f32[N,2,3]
    const %part: i64[2] = [2,3]
    output %part
  })");
}

TEST(ResolveShapesTest, SeveralSymbolsBecomeAnAttribute) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,H,W,4]
    const %factor: i64[4] = [1,2,2,1]
    const %divisor: i64[4] = [1,1,1,4]
    %shape = Shape(%x)
    %larger = Mul(%shape, %factor)
    %target = Div(%larger, %divisor)
    %y = Reshape(%x, %target)
    output %y
  })",
              R"(graph {
    input %x: f32[N,H,W,4]
    %y = Reshape(%x) {shape="[d0,2*d1,2*d2,1]"}
    output %y
  })");
}

TEST(ResolveShapesTest, Expand) {
  expect_pass(resolve_shapes, R"(graph {
    input %x: f32[N,1,3]
    const %begin: i64[1] = [0]
    const %end: i64[1] = [1]
    const %rest: i64[2] = [5,3]
    %shape = Shape(%x)
    %batch = Slice(%shape, %begin, %end)
    %target = Concat(%batch, %rest) {axis=0}
    %y = Expand(%x, %target)
    output %y
  })",
              R"(graph {
    input %x: f32[N,1,3]
    const %target: i64[3] = [1,5,1]
    %y = Expand(%x, %target)
    output %y
  })");
}

// H and W cannot be had from the product of both.
TEST(ResolveShapesTest, ShapesOfOtherTensorsStay) {
  expect_unchanged(resolve_shapes, R"(graph {
    input %x: f32[N,H,W]
    const %flat: i64[2] = [0,-1]
    %joined = Reshape(%x, %flat)
    %shape = Shape(%x)
    %y = Reshape(%joined, %shape)
    output %y
    output %shape
  })");
}

}  // namespace
}  // namespace hone

#include "passes/remove_identity.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(RemoveIdentityTest, NodesWithoutEffect) {
  expect_pass(remove_identity, R"(graph {
    input %x: f32[N,4]
    const %zeros: i64[4] = splat(0)
    const %begin: i64[1] = [0]
    const %end: i64[1] = [9223372036854775807]
    const %axis: i64[1] = [1]
    const %shape: i64[2] = [0,4]
    const %ones: i64[2] = [1,1]
    %a = Identity(%x)
    %b = Pad(%a, %zeros)
    %c = Slice(%b, %begin, %end, %axis)
    %d = Reshape(%c, %shape)
    %e = Transpose(%d) {perm=[0,1]}
    %f = Concat(%e) {axis=1}
    %g = Cast(%f) {to=f32}
    %h = Expand(%g, %ones)
    %i = Split(%h) {axis=1, sizes=[4]}
    %y = Relu(%i)
    output %y
  })",
              R"(graph {
    input %x: f32[N,4]
    %y = Relu(%x)
    output %y
  })");
}

TEST(RemoveIdentityTest, NodesWithEffectStay) {
  expect_unchanged(remove_identity, R"(graph {
    input %x: f32[4,4]
    const %begin: i64[1] = [-1]
    const %end: i64[1] = [-9223372036854775807]
    const %axis: i64[1] = [1]
    const %step: i64[1] = [-1]
    const %pads: i64[4] = [1,0,-1,0]
    %reversed = Slice(%x, %begin, %end, %axis, %step)
    %shifted = Pad(%x, %pads)
    %transposed = Transpose(%x)
    %identity = Identity(%x) epilogue{t0=Relu(x0);}()
    output %reversed
    output %shifted
    output %transposed
    output %identity
  })");
}

TEST(RemoveIdentityTest, ReshapesJoin) {
  expect_pass(remove_identity, R"(graph {
    input %x: f32[N,2,3]
    const %flat: i64[1] = [-1]
    const %shape: i64[2] = [-1,6]
    %a = Reshape(%x, %flat)
    %b = Reshape(%a, %shape)
    %c = Unsqueeze(%x) {axes=[1]}
    %d = Squeeze(%c) {axes=[1]}
    output %b
    output %d
  })",
              R"(graph {
    input %x: f32[N,2,3]
    const %shape: i64[2] = [0,6]
    %b = Reshape(%x, %shape)
    output %b
    output %x as "d"
  })");
}

TEST(RemoveIdentityTest, TransposesJoin) {
  expect_pass(remove_identity, R"(graph {
    input %x: f32[N,2,3]
    %a = Transpose(%x) {perm=[1,2,0]}
    %b = Transpose(%a) {perm=[2,0,1]}
    %c = Transpose(%a) {perm=[1,2,0]}
    %y = Relu(%b)
    output %y
    output %c
  })",
              R"(graph {
    input %x: f32[N,2,3]
    %c = Transpose(%x) {perm=[2,0,1]}
    %y = Relu(%x)
    output %y
    output %c
  })");
}

}  // namespace
}  // namespace hone

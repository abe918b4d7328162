#include "passes/eliminate_common.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(EliminateCommonTest, NodesConstantsAndDeadCode) {
  expect_pass(eliminate_common, R"(graph {
    input %x: f32[N,2]
    const %c: f32[2] = [1, 2]
    const %d: f32[2] = [1, 2]
    %a = Add(%x, %c)
    %b = Add(%d, %x)
    %unused = Relu(%b)
    %y = Mul(%a, %b)
    output %y
  })",
              R"(graph {
    input %x: f32[N,2]
    const %c: f32[2] = [1, 2]
    %a = Add(%x, %c)
    %y = Mul(%a, %a)
    output %y
  })");
}

TEST(EliminateCommonTest, DifferentNodesStay) {
  expect_unchanged(eliminate_common, R"(graph {
    input %x: f32[N,2]
    const %c: f32[2] = [1, 2]
    const %d: f32[1,2] = [1, 2]
    const %e: f32[2] = [0, 0]
    const %f: f32[2] = [-0, 0]
    %a = Sub(%x, %c)
    %b = Sub(%c, %x)
    %g = Sub(%x, %d)
    %h = Sub(%x, %e)
    %i = Sub(%x, %f)
    %k = Softmax(%x) {axis=0}
    %l = Softmax(%x) {axis=1}
    %m = Softmax(%x) {axis=1} epilogue{t0=Relu(x0);}()
    output %a
    output %b
    output %g
    output %h
    output %i
    output %k
    output %l
    output %m
  })");
}

}  // namespace
}  // namespace hone

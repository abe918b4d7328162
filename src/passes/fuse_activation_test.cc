#include "passes/fuse_activation.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

// `body` computes %y from %x and the constants below; it becomes `op`.
void expect_activation(const std::string& body, const std::string& op) {
  SCOPED_TRACE(body);
  expect_pass(fuse_activation, R"(graph {
    input %x: f32[N,6]
    const %half: f32[] = [0.5]
    const %one: f32[1] = [1]
    const %three: f32[] = [3]
    const %six: f32[] = [6]
    const %sixth: f32[] = [0.16666667]
    const %root: f32[] = [1.4142135]
    const %root_half: f32[] = [0.70710677]
    const %minus: f32[] = [-0.70710677]
    const %pi: f32[] = [0.7978846]
    const %cubic: f32[] = [0.044715]
    )" + body + R"(
    output %y
  })",
              "graph {\n input %x: f32[N,6]\n %y = " + op + "(%x)\n output %y\n}");
}

TEST(FuseActivationTest, GeluInAllSpellings) {
  expect_activation(R"(%u = Div(%x, %root)
    %e = Erf(%u)
    %g = Add(%e, %one)
    %h = Mul(%x, %half)
    %y = Mul(%h, %g))",
                    "Gelu");
  expect_activation(R"(%u = Mul(%x, %root_half)
    %e = Erf(%u)
    %g = Add(%e, %one)
    %a = Mul(%x, %g)
    %y = Mul(%a, %half))",
                    "Gelu");
  // x times the distribution function, 0.5 erf + 0.5.
  expect_activation(R"(%u = Mul(%x, %root_half)
    %e = Erf(%u)
    %s = Mul(%e, %half)
    %g = Add(%s, %half)
    %y = Mul(%g, %x))",
                    "Gelu");
  expect_activation(R"(%n = Neg(%x)
    %u = Mul(%n, %root_half)
    %e = Erfc(%u)
    %g = Mul(%e, %half)
    %y = Mul(%x, %g))",
                    "Gelu");
}

TEST(FuseActivationTest, GeluTanhInAllSpellings) {
  expect_activation(R"(%p = Pow(%x, %three)
    %c = Mul(%p, %cubic)
    %s = Add(%x, %c)
    %u = Mul(%s, %pi)
    %t = Tanh(%u)
    %g = Add(%t, %one)
    %h = Mul(%x, %half)
    %y = Mul(%g, %h))",
                    "GeluTanh");
  expect_activation(R"(%q = Square(%x)
    %c = Mul(%q, %cubic)
    %s = Add(%c, %one)
    %v = Mul(%x, %pi)
    %u = Mul(%v, %s)
    %t = Tanh(%u)
    %g = Add(%t, %one)
    %h = Mul(%x, %half)
    %y = Mul(%h, %g))",
                    "GeluTanh");
}

TEST(FuseActivationTest, HardSwishAndMish) {
  expect_activation(R"(%a = Add(%x, %three)
    %r = Relu(%a)
    %m = Min(%r, %six)
    %d = Div(%m, %six)
    %y = Mul(%x, %d))",
                    "HardSwish");
  expect_activation(R"(%a = Add(%x, %three)
    %r = Relu(%a)
    %m = Min(%r, %six)
    %b = Mul(%x, %m)
    %y = Mul(%b, %sixth))",
                    "HardSwish");
  expect_activation(R"(%g = HardSigmoid(%x, %sixth, %half)
    %y = Mul(%g, %x))",
                    "HardSwish");
  expect_activation(R"(%s = Softplus(%x)
    %t = Tanh(%s)
    %y = Mul(%x, %t))",
                    "Mish");
  expect_activation(R"(%e = Exp(%x)
    %p = Add(%e, %one)
    %s = Log(%p)
    %t = Tanh(%s)
    %y = Mul(%t, %x))",
                    "Mish");
}

TEST(FuseActivationTest, LooksAlikeAndIsNot) {
  // Other constants, another argument, and a result that is larger than x.
  expect_unchanged(fuse_activation, R"(graph {
    input %x: f32[N,6]
    input %z: f32[N,6]
    const %half: f32[] = [0.5]
    const %one: f32[1,1,1] = [1]
    const %root: f32[] = [1.414]
    const %three: f32[] = [3]
    const %six: f32[] = [6]
    %u = Div(%x, %root)
    %e = Erf(%u)
    %g = Add(%e, %one)
    %h = Mul(%x, %half)
    %y1 = Mul(%h, %g)
    %s = Softplus(%z)
    %t = Tanh(%s)
    %y2 = Mul(%x, %t)
    %a = Add(%x, %three)
    %r = Relu(%a)
    %m = Min(%r, %six)
    %y3 = Mul(%x, %m)
    output %y1
    output %y2
    output %y3
  })");
}

}  // namespace
}  // namespace hone

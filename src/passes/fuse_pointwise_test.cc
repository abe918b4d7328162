#include "passes/fuse_pointwise.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FusePointwiseTest, DiamondsAndConstants) {
  expect_pass(fuse_pointwise, R"(graph {
    input %x: f32[N,4]
    input %z: f32[N,4]
    const %three: f32[] = [3]
    const %zero: f32[1] = [0]
    const %six: f32[] = [6]
    const %channel: f32[4] = [1, 2, 3, 4]
    %a = Add(%x, %three)
    %b = Max(%a, %zero)
    %c = Min(%b, %six)
    %d = Mul(%x, %c)
    %e = Add(%d, %channel)
    %y = Add(%e, %z)
    output %y
  })",
              R"(graph {
    input %x: f32[N,4]
    input %z: f32[N,4]
    const %channel: f32[4] = [1, 2, 3, 4]
    %y = Pointwise(%x, %channel, %z) {
        program="3:t0=Add(x0,3);t1=Max(t0,0);t2=Min(t1,6);t3=Mul(x0,t2);t4=Add(t3,x1);t5=Add(t4,x2);"}
    output %y
  })");
}

TEST(FusePointwiseTest, SharedAndSmallOnesStay) {
  expect_unchanged(fuse_pointwise, R"(graph {
    input %x: f32[N,4]
    const %i: i32[4] = [1, 2, 3, 4]
    input %s: f32[1,4]
    %a = Sigmoid(%x)
    %y = Mul(%a, %x)
    %k = Neg(%i)
    %l = Neg(%k)
    %t = Exp(%s)
    %u = Mul(%x, %t)
    output %a
    output %y
    output %l
    output %u
  })");
}

TEST(FusePointwiseTest, LongChainsAreCut) {
  std::string text = "graph { input %x0: f32[N,4]\n";
  for (int i = 0; i < 40; ++i) {
    text += "%x" + std::to_string(i + 1) + " = Sin(%x" + std::to_string(i) + ")\n";
  }
  const Graph original = read_graph(text + "output %x40 }");
  Graph graph = original.clone();
  EXPECT_TRUE(run_pass(fuse_pointwise, graph));
  EXPECT_EQ(graph.num_nodes(), 2u);
  EXPECT_EQ(graph.nodes()[0]->sources().size() + graph.nodes()[1]->sources().size(), 40u);
  expect_same_results(original, graph, 1);
  EXPECT_FALSE(run_pass(fuse_pointwise, graph));
}

}  // namespace
}  // namespace hone

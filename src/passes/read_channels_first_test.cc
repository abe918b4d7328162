#include "passes/read_channels_first.h"

#include <fmt/format.h>

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(ReadChannelsFirstTest, ChannelsBecomeSlices) {
  for (const char* padding : {"pads=[1,0,1,2], strides=[2,1]",
                              "auto_pad=\"same_upper\", strides=[2,2]", "dilations=[1,2]"}) {
    SCOPED_TRACE(padding);
    const Graph original = read_graph(fmt::format(R"(graph {{
      input %x: f32[N,3,8,6]
      const %w: f32[4,3,2,3] = random(1)
      const %b: f32[4] = random(2)
      const %k: f32[4] = random(3)
      %t = Transpose(%x) {{perm=[0,2,3,1]}}
      %y = Conv(%t, %w, %b) {{{}}} epilogue{{t0=Mul(x0,x1);t1=Relu(t0);}}(%k)
      output %y
    }})",
                                                  padding));
    Graph graph = original.clone();
    EXPECT_TRUE(run_pass(read_channels_first, graph));
    expect_same_results(original, graph, 1);
    for (const Node* node : graph.nodes()) EXPECT_FALSE(node->is("Transpose"));
    EXPECT_EQ(graph.outputs()[0]->name(), "y");
    EXPECT_EQ(graph.outputs()[0]->producer()->input(0)->shape()[1], Dim(1));
  }
}

TEST(ReadChannelsFirstTest, WhatStays) {
  Graph graph = read_graph(R"(graph {
    input %x: f32[N,3,8,6]
    input %many: f32[N,5,8,6]
    const %w: f32[4,1,1,3] = random(1)
    const %v: f32[4,1,1,5] = random(1)
    const %u: f32[4,1,1,6] = random(1)
    %t = Transpose(%x) {perm=[0,2,3,1]}
    %a = Conv(%t, %w)
    %b = Tanh(%t)
    %s = Transpose(%many) {perm=[0,2,3,1]}
    %c = Conv(%s, %v)
    %r = Transpose(%x) {perm=[0,1,3,2]}
    %d = Softmax(%r)
    output %a
    output %b
    output %c
    output %d
  })");
  // Read twice, too many channels, another order.
  EXPECT_FALSE(run_pass(read_channels_first, graph)) << print_graph(graph);
}

}  // namespace
}  // namespace hone

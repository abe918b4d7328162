#include "passes/chain_convs.h"

#include <gmock/gmock.h>

#include "passes/pass_test_util.h"

namespace hone {
namespace {

constexpr const char* kBlock = R"(graph {
  input %x: f32[N,H,W,4]
  const %w1: f32[12,1,1,4] = random(1)
  const %b1: f32[12] = random(2)
  const %w2: f32[12,3,3,1] = random(3)
  const %w3: f32[4,1,1,12] = random(4)
  const %b3: f32[4] = random(5)
  %expand = Conv(%x, %w1, %b1) epilogue{t0=Max(x0,0);t1=Min(t0,6);}()
  %filter = Conv(%expand, %w2) {pads=[1,1,1,1], groups=12} epilogue{t0=Relu(x0);}()
  %project = Conv(%filter, %w3, %b3) epilogue{t0=Add(x0,x1);}(%x)
  output %project
})";

TEST(ChainConvsTest, InvertedResidual) {
  const Graph original = read_graph(kBlock);
  const auto found = find_conv_chains(original);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "chain_convs:expand,filter,project");
  Graph graph = original.clone();
  Choices choices;
  choices[found[0].id].take = true;
  const Status status = apply_choices(graph, found, choices);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
  ASSERT_EQ(graph.num_nodes(), 1u);
  const Node* chain = graph.nodes()[0];
  EXPECT_TRUE(chain->is("ConvChain"));
  EXPECT_EQ(chain->output()->name(), "project");
  EXPECT_EQ(chain->output()->shape(), original.find_node("project")->output()->shape());
  EXPECT_EQ(chain->inputs().size(), 8u);  // a bias of zeros for the filter, and the residual
  EXPECT_THAT(chain->sources(), ::testing::ElementsAre("expand", "filter", "project"));
  expect_same_results(original, graph, 2);
  // A second time its region is gone, and nothing happens.
  EXPECT_TRUE(apply_choices(graph, found, choices).ok());
}

// What is read elsewhere ends the chain: here the filter's result (squeeze-excite).
TEST(ChainConvsTest, ExpandOnly) {
  const Graph original = read_graph(R"(graph {
    input %x: f32[1,6,6,4]
    const %w1: f32[8,1,1,4] = random(1)
    const %w2: f32[8,3,3,1] = random(2)
    const %b2: f32[8] = random(3)
    const %w3: f32[4,1,1,8] = random(4)
    %expand = Conv(%x, %w1)
    %filter = Conv(%expand, %w2, %b2) {auto_pad="same_upper", groups=8}
    %mean = ReduceMean(%filter) {axes=[1,2], keepdims=true}
    %scaled = Mul(%filter, %mean)
    %project = Conv(%scaled, %w3)
    output %project
  })");
  const auto found = find_conv_chains(original);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "chain_convs:expand,filter");
  Graph graph = original.clone();
  Choices choices;
  choices[found[0].id].take = true;
  ASSERT_TRUE(apply_choices(graph, found, choices).ok());
  ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
  expect_same_results(original, graph, 1);
}

TEST(ChainConvsTest, WhatIsNoChain) {
  const Graph graph = read_graph(R"(graph {
    input %x: f32[1,6,6,4]
    input %dynamic: f32[4,3,3,1]
    const %dense: f32[4,3,3,4] = random(1)
    const %filter: f32[4,3,3,1] = random(2)
    const %one: f32[4,1,1,4] = random(3)
    %a = Conv(%x, %dense) {pads=[1,1,1,1]}
    %b = Conv(%a, %one)
    %c = Conv(%x, %dynamic) {pads=[1,1,1,1], groups=4}
    %d = Conv(%c, %one)
    %e = Conv(%x, %filter) {pads=[1,1,1,1], groups=4}
    %f = Conv(%e, %one) {strides=[2,2]}
    output %b
    output %d
    output %f
  })");
  EXPECT_TRUE(find_conv_chains(graph).empty());
}

}  // namespace
}  // namespace hone

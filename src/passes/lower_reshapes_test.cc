#include "passes/lower_reshapes.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

// TensorFlow's Dense on [N,S,I], with a residual.
TEST(LowerReshapesTest, BelowBiasAndResidual) {
  const Graph original = read_graph(R"(graph {
    input %x: f32[N,8,6]
    input %y: f32[N,8,4]
    const %w: f32[6,4] = random(1)
    const %b: f32[4] = random(2)
    const %flat: i64[2] = [-1, 6]
    const %full: i64[3] = [-1, 8, 4]
    %m = Reshape(%x, %flat)
    %p = MatMul(%m, %w)
    %r = Reshape(%p, %full)
    %z = Pointwise(%r, %b, %y) {program="3:t0=Add(x0,x1);t1=Gelu(t0);t2=Add(t1,x2);"}
    output %z
  })");
  Graph graph = original.clone();
  EXPECT_TRUE(run_pass(lower_reshapes, graph)) << print_graph(graph);
  expect_same_results(original, graph, 1);
  const Node* last = graph.outputs()[0]->producer();
  EXPECT_TRUE(last->is("Reshape")) << print_graph(graph);
  EXPECT_EQ(graph.outputs()[0]->name(), "z");
  const Node* moved = last->input(0)->producer();
  EXPECT_TRUE(moved->is("Pointwise"));
  EXPECT_TRUE(moved->input(0)->producer()->is("MatMul"));
  EXPECT_TRUE(moved->input(2)->producer()->is("Reshape"));  // of the residual: a view
  EXPECT_FALSE(run_pass(lower_reshapes, graph));
}

// Keras' query, key and value: the bias is per head.
TEST(LowerReshapesTest, BiasOverSplitChannels) {
  const Graph original = read_graph(R"(graph {
    input %x: f32[N,5,6]
    const %w: f32[6,8] = random(1)
    const %b: f32[2,4] = random(2)
    const %heads: i64[4] = [-1, 5, 2, 4]
    %p = MatMul(%x, %w)
    %r = Reshape(%p, %heads)
    %z = Add(%r, %b)
    output %z
  })");
  Graph graph = original.clone();
  EXPECT_TRUE(run_pass(lower_reshapes, graph)) << print_graph(graph);
  expect_same_results(original, graph, 1);
  const Node* moved = graph.outputs()[0]->producer()->input(0)->producer();
  EXPECT_TRUE(moved->is("Add")) << print_graph(graph);
  EXPECT_EQ(moved->input(1)->shape(), Shape{Dim(8)});
}

TEST(LowerReshapesTest, WhatStays) {
  Graph graph = read_graph(R"(graph {
    input %x: f32[N,5,6]
    const %w: f32[6,8] = random(1)
    const %across: f32[5,1,1] = random(2)
    const %b: f32[4] = random(3)
    const %heads: i64[4] = [-1, 5, 2, 4]
    const %half: i64[3] = [-1, 5, 4]
    %p = MatMul(%x, %w)
    %r = Reshape(%p, %heads)
    %a = Add(%r, %across)
    %q = MatMul(%x, %w)
    %s = Reshape(%q, %heads)
    %c = Add(%s, %b)
    %t = Relu(%x)
    %u = Reshape(%t, %half)
    %d = Add(%u, %b)
    output %a
    output %c
    output %d
  })");
  // Neither one value per channel above, nor a part of the channels, nor behind something that
  // takes no epilogue.
  EXPECT_FALSE(run_pass(lower_reshapes, graph)) << print_graph(graph);
}

}  // namespace
}  // namespace hone

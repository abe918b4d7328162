#include "passes/pipeline.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "passes/pass_test_util.h"
#include "passes/sample_graphs_test.h"

namespace hone {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Graph optimized(std::string_view name) {
  for (const SampleGraph& sample : kSampleGraphs) {
    if (name != sample.name) continue;
    Graph graph = read_graph(sample.text);
    auto timings = run_passes(graph);
    if (!timings.ok()) ADD_FAILURE() << timings.status().message();
    return graph;
  }
  ADD_FAILURE() << "no sample " << name;
  return Graph();
}

// Every pass on every sample: the same results, a valid graph, and nothing to do the second time.
TEST(PipelineTest, EveryPassOnEverySample) {
  for (const SampleGraph& sample : kSampleGraphs) {
    const Graph original = read_graph(sample.text);
    for (const Pass& pass : all_passes()) {
      SCOPED_TRACE(std::string(sample.name) + ", pass " + pass.name);
      Graph graph = original.clone();
      const bool changed = run_pass(pass.run, graph);
      if (changed) {
        expect_same_results(original, graph, 7);
        EXPECT_FALSE(run_pass(pass.run, graph)) << "changed again:\n" << print_graph(graph);
      } else {
        EXPECT_TRUE(graphs_equal(original, graph)) << "changed without saying so";
      }
    }
  }
}

TEST(PipelineTest, WholePipelineOnEverySample) {
  for (const SampleGraph& sample : kSampleGraphs) {
    SCOPED_TRACE(sample.name);
    const Graph original = read_graph(sample.text);
    Graph graph = original.clone();
    auto timings = run_passes(graph);
    ASSERT_TRUE(timings.ok()) << timings.status().message();
    ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
    expect_same_results(original, graph, 3);
    EXPECT_EQ(graph.output_names(), original.output_names());
    auto again = run_passes(graph);
    ASSERT_TRUE(again.ok()) << again.status().message();
    for (const PassTiming& timing : *again) {
      EXPECT_FALSE(timing.changed) << timing.name << " changed again:\n" << print_graph(graph);
    }
  }
}

TEST(PipelineTest, WhatIsLeft) {
  EXPECT_THAT(count_ops(optimized("keras_residual")), UnorderedElementsAre(Pair("Conv", 3)));
  EXPECT_THAT(count_ops(optimized("onnx_residual")),
              UnorderedElementsAre(Pair("Unsqueeze", 1), Pair("Squeeze", 1), Pair("Conv", 2),
                                   Pair("ReduceMean", 1), Pair("Reshape", 1), Pair("MatMul", 1)));
  EXPECT_THAT(count_ops(optimized("onnx_flatten")),
              UnorderedElementsAre(Pair("Unsqueeze", 1), Pair("Squeeze", 1), Pair("Conv", 1),
                                   Pair("MaxPool", 1), Pair("Slice", 1), Pair("Reshape", 1),
                                   Pair("MatMul", 1)));
  EXPECT_THAT(count_ops(optimized("keras_shape_chain")),
              UnorderedElementsAre(Pair("Reshape", 1), Pair("Relu", 1)));
  EXPECT_THAT(count_ops(optimized("mlp")),
              UnorderedElementsAre(Pair("MatMul", 2), Pair("Softmax", 1)));
  EXPECT_THAT(count_ops(optimized("mobilenet_block")), UnorderedElementsAre(Pair("Conv", 3)));
  EXPECT_THAT(count_ops(optimized("pad_pool")),
              UnorderedElementsAre(Pair("Conv", 1), Pair("MaxPool", 1)));
  EXPECT_THAT(count_ops(optimized("siblings")),
              UnorderedElementsAre(Pair("Conv", 3), Pair("Concat", 1)));
  EXPECT_THAT(count_ops(optimized("squeeze_excite")),
              UnorderedElementsAre(Pair("Conv", 1), Pair("ReduceMean", 1), Pair("MatMul", 1),
                                   Pair("Reshape", 1), Pair("Mul", 1)));
  EXPECT_THAT(count_ops(optimized("attention")),
              UnorderedElementsAre(Pair("MatMul", 2), Pair("Reshape", 3), Pair("Attention", 1)));
  EXPECT_THAT(count_ops(optimized("feed_forward")),
              UnorderedElementsAre(Pair("LayerNormalization", 1), Pair("MatMul", 2)));
}

TEST(PipelineTest, ResidualBlockInFull) {
  const Graph graph = optimized("keras_residual");
  const Node* last = graph.outputs()[0]->producer();
  EXPECT_EQ(last->epilogue().text(), "t0=Add(x0,x1);t1=Relu(t0);");
  EXPECT_EQ(last->output()->name(), "out");
  EXPECT_EQ(last->input(2)->constant()->num_elements(), 4);
  // The shortcut comes later in this graph, so it is the one that adds.
  ASSERT_EQ(last->inputs().size(), 4u);
  const Node* second = last->input(3)->producer();
  ASSERT_TRUE(second && second->input(0)->producer());
  const Node* first = second->input(0)->producer();
  EXPECT_EQ(first->epilogue().text(), "t0=Relu(x0);");
  EXPECT_THAT(first->sources(), ElementsAre("c1", "c1b", "bn1", "bn1s", "r1"));
}

TEST(PipelineTest, DisabledByName) {
  setenv("HONE_DISABLE_PASS", "fuse_epilogue, fold_pad", 1);
  Graph graph = read_graph(kSampleGraphs[0].text);
  std::vector<std::string> dumped;
  PipelineOptions options;
  options.dump = [&dumped](const std::string& pass, const Graph&) { dumped.push_back(pass); };
  auto timings = run_passes(graph, options);
  unsetenv("HONE_DISABLE_PASS");
  ASSERT_TRUE(timings.ok());
  ASSERT_EQ(timings->size(), all_passes().size());
  std::vector<std::string> changed;
  for (const PassTiming& timing : *timings) {
    EXPECT_EQ(timing.disabled, timing.name == "fuse_epilogue" || timing.name == "fold_pad");
    if (timing.changed) changed.push_back(timing.name);
  }
  EXPECT_EQ(dumped, changed);
  EXPECT_TRUE(graph.outputs()[0]->producer()->epilogue().empty());
}

TEST(PipelineTest, CanBeCancelled) {
  Graph graph = read_graph(kSampleGraphs[0].text);
  PipelineOptions options;
  int left = 2;
  options.keep_going = [&left] { return left-- > 0; };
  EXPECT_EQ(run_passes(graph, options).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace hone

#include "passes/merge_siblings.h"

#include <gmock/gmock.h>

#include "passes/pass_test_util.h"
#include "passes/pipeline.h"

namespace hone {
namespace {

constexpr const char* kSiblings = R"(graph {
  input %x: f32[N,8,6,3]
  const %w1: f32[1,1,1,3] = [1, 2, 3]
  const %w2: f32[2,1,1,3] = [4, 5, 6, 7, 8, 9]
  const %w3: f32[2,3,3,3] = random(3)
  const %b: f32[2] = [1, 2]
  %c1 = Conv(%x, %w1) epilogue{t0=Relu(x0);}()
  %c2 = Conv(%x, %w2, %b) epilogue{t0=Relu(x0);}()
  %c3 = Conv(%x, %w3) {pads=[1,1,1,1]} epilogue{t0=Relu(x0);}()
  output %c1
  output %c2
  output %c3
})";

TEST(MergeSiblingsTest, MergesSiblings) {
  const Graph original = read_graph(kSiblings);
  const auto found = find_alternatives(original);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "merge_siblings:c1,c2");
  EXPECT_THAT(found[0].region, ::testing::ElementsAre("c1", "c2"));

  Graph graph = original.clone();
  ASSERT_TRUE(apply_choices(graph, found, {}).ok());
  EXPECT_TRUE(graphs_equal(graph, original));
  Choices choices;
  choices[found[0].id].take = true;
  const Status status = apply_choices(graph, found, choices);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
  std::string why;
  EXPECT_TRUE(same_structure(graph, read_graph(R"(graph {
    input %x: f32[N,8,6,3]
    const %w: f32[3,1,1,3] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    const %w3: f32[2,3,3,3] = random(3)
    const %b: f32[3] = [0, 1, 2]
    %both = Conv(%x, %w, %b) epilogue{t0=Relu(x0);}()
    %c1, %c2 = Split(%both) {axis=3, sizes=[1,2]}
    %c3 = Conv(%x, %w3) {pads=[1,1,1,1]} epilogue{t0=Relu(x0);}()
    output %c1
    output %c2
    output %c3
  })"),
                             &why))
      << why;
  expect_same_results(original, graph, 1);
  EXPECT_THAT(graph.nodes()[0]->sources(), ::testing::ElementsAre("c1", "c2"));
  // A second time its region is gone, and nothing happens.
  EXPECT_TRUE(apply_choices(graph, found, choices).ok());
}

TEST(MergeSiblingsTest, DifferentOnesAreNotMerged) {
  const Graph graph = read_graph(R"(graph {
    input %x: f32[N,8,6,4]
    input %z: f32[N,8,6,4]
    const %w: f32[4,1,1,4] = random(1)
    const %g: f32[4,1,1,2] = random(1)
    %a = Conv(%x, %w)
    %b = Conv(%z, %w)
    %c = Conv(%x, %w) {strides=[2,2]}
    %d = Conv(%x, %w) epilogue{t0=Relu(x0);}()
    %e = Conv(%x, %g) {groups=2}
    %f = Conv(%x, %g) {groups=2}
    %h = Conv(%x, %w) epilogue{t0=Add(x0,x1);}(%a)
    %i = Conv(%x, %w) epilogue{t0=Add(x0,x1);}(%a)
    output %b
    output %c
    output %d
    output %e
    output %f
    output %h
    output %i
  })");
  EXPECT_TRUE(find_alternatives(graph).empty());
}

// An inception module: the part that the Concat begins with is last in the merged result, so that
// both can share one buffer.
TEST(MergeSiblingsTest, ConcatBecomesPartOfAWiderOne) {
  const Graph original = read_graph(R"(graph {
    input %x: f32[N,8,6,3]
    const %w1: f32[4,1,1,3] = random(1)
    const %w2: f32[2,1,1,3] = random(2)
    const %w3: f32[5,3,3,2] = random(3)
    %a = Conv(%x, %w1)
    %r = Conv(%x, %w2)
    %b = Conv(%r, %w3) {pads=[1,1,1,1]}
    %p = MaxPool(%x) {kernel=[3,3], pads=[1,1,1,1]}
    %c = Concat(%a, %b, %p) {axis=-1}
    output %c
  })");
  const auto found = find_alternatives(original);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].take_untimed);
  Graph graph = original.clone();
  const Status status = apply_choices(graph, found, untimed_choices(found));
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
  expect_same_results(original, graph, 1);
  const Node* slice = graph.outputs()[0]->producer();
  ASSERT_TRUE(slice->is("Slice")) << print_graph(graph);
  EXPECT_EQ(slice->input(1)->constant()->as_int64s(), std::vector<int64_t>{2});
  const Node* wide = slice->input(0)->producer();
  EXPECT_EQ(wide->output()->shape().back(), Dim(14));
  EXPECT_TRUE(wide->input(0)->producer()->is("Conv"));
  EXPECT_EQ(graph.outputs()[0]->name(), "c");
}

TEST(MergeSiblingsTest, ConcatThatEndsWithAPart) {
  const Graph original = read_graph(R"(graph {
    input %x: f32[N,8,6,3]
    const %w1: f32[4,1,1,3] = random(1)
    const %w2: f32[2,1,1,3] = random(2)
    %r = Conv(%x, %w2)
    %a = Conv(%x, %w1)
    %b = Tanh(%r)
    %c = Concat(%b, %x, %a) {axis=3}
    %y = Tanh(%c)
    output %y
  })");
  Graph graph = original.clone();
  const auto found = find_alternatives(original);
  ASSERT_TRUE(apply_choices(graph, found, untimed_choices(found)).ok());
  ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
  expect_same_results(original, graph, 1);
  const Node* slice = graph.outputs()[0]->producer()->input(0)->producer();
  ASSERT_TRUE(slice->is("Slice")) << print_graph(graph);
  EXPECT_EQ(slice->input(1)->constant()->as_int64s(), std::vector<int64_t>{0});
}

// Larger kernels may lose Winograd, and parts that are reshaped or results must be copied out.
TEST(MergeSiblingsTest, OnlyTimingsDecideOtherwise) {
  const auto untimed = [](std::string_view text) {
    const auto found = find_alternatives(read_graph(text));
    return found.size() == 1 && found[0].take_untimed;
  };
  EXPECT_FALSE(untimed(R"(graph { input %x: f32[N,8,6,3]
    const %w: f32[4,3,3,3] = random(1) const %v: f32[4,3,3,3] = random(2)
    %a = Conv(%x, %w) %b = Conv(%x, %v) %y = Mul(%a, %b) output %y })"));
  EXPECT_FALSE(untimed(R"(graph { input %x: f32[N,8,6,3] const %s: i64[2] = [-1, 2]
    const %w: f32[4,1,1,3] = random(1) const %v: f32[4,1,1,3] = random(2)
    %a = Conv(%x, %w) %b = Conv(%x, %v) %c = Reshape(%a, %s) %d = Tanh(%b)
    output %c output %d })"));
  EXPECT_FALSE(untimed(kSiblings));
}

}  // namespace
}  // namespace hone

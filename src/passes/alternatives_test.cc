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

TEST(AlternativesTest, MergesSiblings) {
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

TEST(AlternativesTest, DifferentOnesAreNotMerged) {
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

}  // namespace
}  // namespace hone

#include "tensorflow/segmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "importers/tensorflow/bundle_test_util.h"

namespace hone::tensorflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Nodes in topological order; "Foo" cannot be imported. Outputs are the named tensors.
struct Made {
  tf::FrozenGraph frozen;
  tf::Analysis analysis;
};
Made make(const std::vector<tf::NodeDef>& nodes, const std::vector<std::string>& outputs) {
  Made made;
  made.frozen.graph.nodes = nodes;
  for (const tf::NodeDef& node : nodes) {
    tf::NodeVerdict verdict;
    verdict.importable = node.op != "Foo" && node.op != "Const" && node.op != "Placeholder";
    made.analysis.verdicts.push_back(verdict);
  }
  for (const std::string& output : outputs)
    made.frozen.outputs.push_back({output, output, tf::TfType::kFloat, {}});
  return made;
}

tf::NodeDef node(std::string name, std::string op, std::vector<std::string> inputs = {}) {
  return tf::make_node(std::move(name), std::move(op), std::move(inputs));
}

std::vector<std::string> names(const Made& made, const tf::Segment& segment) {
  std::vector<std::string> result;
  for (size_t i : segment.nodes) result.push_back(made.frozen.graph.nodes[i].name);
  return result;
}

TEST(Segmenter, OneSegmentWithBorders) {
  const Made made =
      make({node("x", "Placeholder"), node("w", "Const"), node("a", "MatMul", {"x", "w"}),
            node("b", "Relu", {"a"}), node("s", "Split", {"b"}), node("c", "Add", {"s:1", "s"})},
           {"c:0", "s:1"});
  const auto segments = find_segments(made.frozen, made.analysis, {1, 0}, nullptr);
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_THAT(names(made, segments[0]), ElementsAre("a", "b", "s", "c"));
  EXPECT_THAT(segments[0].inputs, ElementsAre("x:0"));  // the constant comes along
  EXPECT_THAT(segments[0].outputs, ElementsAre("c:0", "s:1"));
}

// a feeds d directly and through the node that stays: one segment with both would need its own
// result.
TEST(Segmenter, StaysConvex) {
  const Made made =
      make({node("x", "Placeholder"), node("a", "Relu", {"x"}), node("b", "Relu", {"a"}),
            node("c", "Foo", {"a"}), node("d", "Add", {"b", "c"})},
           {"d:0"});
  const auto segments = find_segments(made.frozen, made.analysis, {1, 0}, nullptr);
  ASSERT_EQ(segments.size(), 2u);
  for (const tf::Segment& segment : segments) {
    const auto inside = names(made, segment);
    const bool a = std::count(inside.begin(), inside.end(), "a") > 0,
               d = std::count(inside.begin(), inside.end(), "d") > 0;
    EXPECT_NE(a, d);
  }
}

TEST(Segmenter, ControlEdgesCountForConvexity) {
  const Made made = make({node("x", "Placeholder"), node("a", "Relu", {"x"}),
                          node("c", "Foo", {"x", "^a"}), node("d", "Add", {"a", "x", "^c"})},
                         {"d:0", "c:0"});
  const auto segments = find_segments(made.frozen, made.analysis, {1, 0}, nullptr);
  EXPECT_EQ(segments.size(), 2u);
}

// Random graphs: the contracted graph has no cycle, and every candidate is in one segment or too
// small.
TEST(Segmenter, RandomGraphsHaveNoCycles) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    unsigned state = seed * 7919 + 1;
    const auto pick = [&state](unsigned count) {
      state = state * 1664525u + 1013904223u;
      return (state >> 16) % count;
    };
    std::vector<tf::NodeDef> nodes{node("n0", "Placeholder")};
    const unsigned count = 5 + pick(25);
    for (unsigned i = 1; i < count; ++i) {
      std::vector<std::string> inputs{"n" + std::to_string(pick(i)), "n" + std::to_string(pick(i))};
      if (pick(4) == 0) inputs.push_back("^n" + std::to_string(pick(i)));
      nodes.push_back(node("n" + std::to_string(i), pick(4) == 0 ? "Foo" : "Add", inputs));
    }
    const Made made = make(nodes, {"n" + std::to_string(count - 1) + ":0"});
    const auto segments = find_segments(made.frozen, made.analysis, {1, 0}, nullptr);
    std::vector<size_t> unit(count);
    for (size_t i = 0; i < count; ++i) unit[i] = i;
    for (const tf::Segment& segment : segments) {
      for (size_t i : segment.nodes) unit[i] = segment.nodes[0];
    }
    // Kahn's algorithm over the contracted graph.
    std::map<size_t, std::set<size_t>> before;
    for (size_t i = 0; i < count; ++i) before[unit[i]];
    for (size_t i = 1; i < count; ++i) {
      for (const std::string& input : nodes[i].inputs) {
        const size_t from = std::stoul(input.substr(input[0] == '^' ? 2 : 1));
        if (unit[from] != unit[i]) before[unit[i]].insert(unit[from]);
      }
    }
    for (bool removed = true; removed;) {
      removed = false;
      for (auto it = before.begin(); it != before.end();) {
        if (!it->second.empty()) {
          ++it;
          continue;
        }
        for (auto& [key, sources] : before) sources.erase(it->first);
        it = before.erase(it);
        removed = true;
      }
    }
    EXPECT_THAT(before, IsEmpty());
  }
}

TEST(Segmenter, SizesAndLimits) {
  const Made made =
      make({node("x", "Placeholder"), node("a1", "Relu", {"x"}), node("f1", "Foo", {"a1"}),
            node("b1", "Relu", {"f1"}), node("b2", "Relu", {"b1"}), node("f2", "Foo", {"b2"}),
            node("c1", "Relu", {"f2"}), node("c2", "Identity", {"c1"}), node("c3", "Relu", {"c2"}),
            node("c4", "Relu", {"c3"})},
           {"c4:0"});
  std::vector<size_t> too_small;
  auto segments = find_segments(made.frozen, made.analysis, {2, 0}, &too_small);
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_THAT(names(made, segments[0]), ElementsAre("c1", "c2", "c3", "c4"));  // the largest first
  EXPECT_THAT(names(made, segments[1]), ElementsAre("b1", "b2"));
  EXPECT_THAT(too_small, ElementsAre(1u));
  too_small.clear();
  segments = find_segments(made.frozen, made.analysis, {1, 1}, &too_small);
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(too_small.size(), 3u);
  EXPECT_THAT(find_segments(made.frozen, made.analysis, {4, 0}, nullptr),
              IsEmpty());  // Identity does not count
}

}  // namespace
}  // namespace hone::tensorflow

#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "graph/text.h"
#include "graph/verify.h"

namespace hone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TensorType f32_type(Shape shape) { return {DataType::f32, std::move(shape)}; }

Graph text_graph(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message();
  return graph.ok() ? std::move(*graph) : Graph();
}

void expect_valid(const Graph& graph) {
  const Status status = verify(graph);
  EXPECT_TRUE(status.ok()) << status.message() << "\n" << print_graph(graph);
}

std::vector<std::string> names(const std::vector<Node*>& nodes) {
  std::vector<std::string> list;
  for (const Node* node : nodes) list.push_back(node->name());
  return list;
}

Program program(std::string_view text, int inputs) { return Program::parse(text, inputs).value(); }

TEST(GraphTest, BuildsAndNames) {
  Graph graph;
  Value* x = graph.add_input("x", f32_type({Dim::symbol("N"), 3}));
  Value* a = graph.add("Relu", {}, {x}, {.name = "r", .output_names = {"x"}}).value();
  Value* b = graph.add("Relu", {}, {a}, {.name = "r"}).value();
  Value* c = graph.add("Relu", {}, {b}).value();
  graph.add_output(c, "y");
  EXPECT_EQ(a->name(), "x_1");
  EXPECT_EQ(a->source(), "x");
  EXPECT_EQ(a->producer()->name(), "r");
  EXPECT_EQ(b->producer()->name(), "r_1");
  EXPECT_THAT(b->producer()->sources(), ElementsAre("r"));
  EXPECT_EQ(b->name(), "r_1");
  EXPECT_EQ(b->source(), "");
  EXPECT_EQ(c->producer()->name(), "Relu");
  EXPECT_EQ(c->type(), x->type());
  EXPECT_EQ(graph.find_value("x_1"), a);
  EXPECT_EQ(graph.find_node("r_1"), b->producer());
  EXPECT_EQ(graph.find_value("nothing"), nullptr);
  EXPECT_TRUE(a->has_single_use());
  EXPECT_FALSE(c->has_single_use());
  expect_valid(graph);
}

TEST(GraphTest, FailedAddLeavesNothing) {
  Graph graph;
  Value* x = graph.add_input("x", f32_type({2, 3}));
  Value* y = graph.add_input("y", f32_type({4, 5}));
  auto bad = graph.add_node("Add", {}, {x, y}, {.name = "sum"});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.status().message(), HasSubstr("node 'sum' (Add)"));
  auto unknown = graph.add_node("NoSuchOp", {}, {x}, {.name = "n"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.status().message(), HasSubstr("NoSuchOp"));
  EXPECT_EQ(graph.num_nodes(), 0u);
  EXPECT_TRUE(x->uses().empty());
  EXPECT_EQ(graph.find_value("sum"), nullptr);
  EXPECT_TRUE(graph.symbols().must_be_equal.empty());
}

TEST(GraphTest, ReplaceUsesMovesOutputsAndKeepsException) {
  Graph graph = text_graph(R"(graph {
    input %x: f32[2]
    %a = Relu(%x)
    %b = Add(%a, %a)
    output %a
    output %b
    output %a as "again"
  })");
  Value* a = graph.find_value("a");
  Node* b = graph.find_node("b");
  Value* c = graph.add("Neg", {}, {a}, {.before = b}).value();
  graph.replace_uses(a, c, c->producer());
  expect_valid(graph);
  EXPECT_THAT(b->inputs(), ElementsAre(c, c));
  EXPECT_THAT(graph.outputs(), ElementsAre(c, b->output(), c));
  EXPECT_TRUE(a->has_single_use());
  EXPECT_THAT(names(graph.nodes()), ElementsAre("a", "Neg", "b"));
}

TEST(GraphTest, AppendsEpilogues) {
  Graph graph = text_graph(R"(graph {
    input %x: f32[N,3]
    input %r: f32[N,3]
    input %bad: f32[N,4]
    const %s: f32[3] = [1, 2, 3]
    %y = Relu(%x)
    output %y
  })");
  Node* node = graph.find_node("y");
  Value *r = graph.find_value("r"), *s = graph.find_value("s");
  ASSERT_TRUE(graph.append_epilogue(node, program("t0=Mul(x1,x0);", 2), {s}).ok());
  ASSERT_TRUE(graph.append_epilogue(node, program("t0=Add(x0,x1);t1=Max(t0,0);", 2), {r}).ok());
  EXPECT_EQ(node->epilogue().text(), "t0=Mul(x1,x0);t1=Add(t0,x2);t2=Max(t1,0);");
  EXPECT_EQ(node->num_root_inputs(), 1u);
  EXPECT_EQ(node->inputs().size(), 3u);
  expect_valid(graph);

  const std::string before = print_graph(graph);
  EXPECT_FALSE(
      graph.append_epilogue(node, program("t0=Add(x0,x1);", 2), {graph.find_value("bad")}).ok());
  EXPECT_FALSE(graph.append_epilogue(node, program("t0=Add(x0,x1);", 2), {}).ok());
  EXPECT_EQ(print_graph(graph), before);
  expect_valid(graph);
}

TEST(GraphTest, SortMovesProducersFirstAndNamesCycles) {
  Graph graph = text_graph(R"(graph {
    input %x: f32[2]
    %a = Relu(%x)
    %b = Add(%a, %x)
    %c = Neg(%x)
    %d = Neg(%c)
    output %b
    output %d
  })");
  ASSERT_TRUE(graph.sort().ok());
  EXPECT_THAT(names(graph.nodes()), ElementsAre("a", "b", "c", "d"));
  graph.set_input(graph.find_node("b"), 1, graph.find_value("d"));
  EXPECT_THAT(verify(graph).message(), HasSubstr("node 'b' (Add): input 1 ('d')"));
  ASSERT_TRUE(graph.sort().ok());
  EXPECT_THAT(names(graph.nodes()), ElementsAre("a", "c", "d", "b"));
  expect_valid(graph);
  graph.set_input(graph.find_node("c"), 0, graph.find_value("b"));
  const Status cycle = graph.sort();
  EXPECT_EQ(cycle.code(), Code::kModel);
  EXPECT_THAT(cycle.message(), HasSubstr("'c' <- 'b' <- 'd' <- 'c'"));
}

TEST(GraphTest, CloneIsEqualAndApart) {
  Graph graph = text_graph(R"(graph "g" {
    input %x: f32[N,2]
    const %k: f32[2] = [1, 2]
    %a = Relu(%x)
    %b = Add(%a, %k) epilogue{t0=Mul(x0,x1)}(%a) "node" from ["p", "q"]
    output %b as "out"
  })");
  const std::string text = print_graph(graph);
  Graph copy = graph.clone();
  std::string why;
  EXPECT_TRUE(graphs_equal(graph, copy, &why)) << why;
  expect_valid(copy);
  EXPECT_EQ(copy.find_value("k")->constant()->raw(), graph.find_value("k")->constant()->raw());
  copy.replace_uses(copy.find_value("b"), copy.find_value("a"));
  EXPECT_TRUE(copy.remove_dead());
  EXPECT_FALSE(copy.remove_dead());
  expect_valid(copy);
  EXPECT_EQ(copy.find_value("k"), nullptr);
  EXPECT_EQ(copy.num_nodes(), 1u);
  EXPECT_EQ(print_graph(graph), text);
  Graph moved = std::move(graph);
  expect_valid(moved);
  EXPECT_EQ(print_graph(moved), text);
}

TEST(GraphTest, RemoveDeadFollowsChainsAndSharedInputs) {
  Graph graph = text_graph(R"(graph {
    input %x: f32[2]
    const %k: f32[] = [1]
    %a = Relu(%x)
    %b = Add(%a, %a)
    %c = Mul(%b, %k)
    %d = Neg(%a)
    output %d
  })");
  EXPECT_TRUE(graph.remove_dead());
  EXPECT_THAT(names(graph.nodes()), ElementsAre("a", "d"));
  EXPECT_TRUE(graph.constants().empty());
  EXPECT_EQ(graph.inputs().size(), 1u);
  expect_valid(graph);
}

TEST(GraphTest, RenameAndSetOutput) {
  Graph graph = text_graph("graph { input %x: f32[2] %a = Relu(%x) %b = Neg(%a) output %b }");
  graph.rename(graph.find_value("a"), "b");
  EXPECT_EQ(graph.find_value("a"), nullptr);
  Value* renamed = graph.find_value("b_1");
  ASSERT_NE(renamed, nullptr);
  graph.set_output(0, renamed);
  EXPECT_FALSE(graph.find_value("b")->is_graph_output());
  expect_valid(graph);
  EXPECT_TRUE(graph.remove_dead());
  expect_valid(graph);
}

TEST(GraphTest, InferAfterEdit) {
  Graph graph = text_graph(R"(graph {
    input %x: f32[2,3]
    input %z: f32[5,3]
    %a = Relu(%x)
    output %a
  })");
  Node* a = graph.find_node("a");
  graph.set_input(a, 0, graph.find_value("z"));
  EXPECT_THAT(verify(graph).message(),
              HasSubstr("node 'a' (Relu): output 0 has the type f32[2,3]"));
  ASSERT_TRUE(graph.infer(a).ok());
  EXPECT_EQ(type_text(a->output()->type()), "f32[5,3]");
  expect_valid(graph);
}

TEST(GraphTest, VerifyFindsDoubleOutputNames) {
  Graph graph = text_graph("graph { input %x: f32[2] output %x as \"y\" output %x as \"y\" }");
  EXPECT_EQ(verify(graph).code(), Code::kInternal);
}

// Random edits, with the verifier after each: uses, names and order must always agree.
TEST(GraphTest, RandomEditsStayConsistent) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    auto pick = [&random](const auto& list) { return list[random() % list.size()]; };
    Graph graph;
    graph.add_input("x", f32_type({Dim::symbol("N"), 4}));
    graph.add_constant("c", Tensor::from<float>({4}, {1, 2, 3, 4}));
    for (int step = 0; step < 120; ++step) {
      const std::vector<Value*> values = graph.values();
      const std::vector<Node*> nodes = graph.nodes();
      // Only values of the full shape, so that every replacement keeps all types.
      std::vector<Value*> full;
      for (Value* value : values) {
        if (value->shape().size() == 2) full.push_back(value);
      }
      switch (random() % 9) {
        case 0:
        case 1:
        case 2:
          ASSERT_TRUE(graph.add_node("Add", {}, {pick(full), pick(values)}).ok());
          break;
        case 3:
          graph.add_output(pick(full), "out" + std::to_string(step));
          break;
        case 4: {
          Value* from = pick(full);
          // Inputs come before every user.
          if (!from->is_graph_input()) graph.replace_uses(from, graph.inputs()[0]);
          break;
        }
        case 5:
          if (random() % 4 == 0) graph.remove_dead();
          break;
        case 6:
          if (!nodes.empty()) {
            ASSERT_TRUE(
                graph
                    .append_epilogue(pick(nodes), program("t0=Add(x0,x1);", 2), {graph.inputs()[0]})
                    .ok());
          }
          break;
        case 7:
          graph.rename(pick(values), "x");
          break;
        case 8:
          if (!nodes.empty()) {
            Node* node = pick(nodes);
            ASSERT_TRUE(graph.add_node("Relu", {}, {graph.inputs()[0]}, {.before = node}).ok());
            std::vector<Value*> inputs = node->inputs();
            inputs[0] = graph.inputs()[0];
            graph.set_inputs(node, inputs);
          }
          break;
      }
      if (step % 10 == 0) {
        ASSERT_TRUE(graph.sort().ok());
      }
      const Status status = verify(graph);
      ASSERT_TRUE(status.ok()) << "step " << step << ": " << status.message();
    }
    std::string why;
    EXPECT_TRUE(graphs_equal(graph, graph.clone(), &why)) << why;
    auto parsed = parse_graph(print_graph(graph));
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_TRUE(graphs_equal(graph, *parsed, &why)) << why;
  }
}

// One name, one shared constant: everything that could go quadratic. It takes 0.7 s when optimized
// and 12 s unoptimized under sanitizers; quadratic, 50000^2 steps would take minutes there.
TEST(GraphTest, FiftyThousandNodes) {
  constexpr int kNodes = 50000;
  const std::clock_t start =
      std::clock();  // of this process: other work on the machine is no matter
  Graph graph;
  Value* x = graph.add_input("x", f32_type({Dim::symbol("N"), 4}));
  Value* k = graph.add_constant("k", Tensor::from<float>({4}, {1, 2, 3, 4}));
  Value* last = x;
  for (int i = 0; i < kNodes; ++i) last = graph.add("Add", {}, {last, k}, {.name = "add"}).value();
  graph.add_output(last, "y");
  ASSERT_TRUE(graph.sort().ok());
  const std::string text = print_graph(graph);
  Graph copy = graph.clone();
  for (Node* node : copy.nodes()) copy.set_input(node, 1, x = copy.inputs()[0]);
  ASSERT_TRUE(copy.sort().ok());
  copy.replace_uses(copy.outputs()[0], copy.inputs()[0]);
  EXPECT_TRUE(copy.remove_dead());
  EXPECT_EQ(copy.num_nodes(), 0u);
  graph.set_output(0, graph.inputs()[0]);
  std::vector<Node*> nodes = graph.nodes();
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) graph.erase(*it);
  EXPECT_EQ(graph.num_nodes(), 0u);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 30);

  auto parsed = parse_graph(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->num_nodes(), static_cast<size_t>(kNodes));
  expect_valid(*parsed);
}

}  // namespace
}  // namespace hone

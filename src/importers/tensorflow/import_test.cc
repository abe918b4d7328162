// The walk over a graph: verdicts, types, segments, reports. Operators: import_ops_test.cc.
#include "importers/tensorflow/import.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/evaluate.h"
#include "graph/verify.h"
#include "importers/tensorflow/import_test_util.h"

namespace hone::tf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

size_t index_of(const FrozenGraph& frozen, const std::string& name) {
  for (size_t i = 0; i < frozen.graph.nodes.size(); ++i) {
    if (frozen.graph.nodes[i].name == name) return i;
  }
  ADD_FAILURE() << "no node " << name;
  return 0;
}

const NodeVerdict& verdict_of(const FrozenGraph& frozen, const Analysis& analysis,
                              const std::string& name) {
  return analysis.verdicts[index_of(frozen, name)];
}

std::string type_of(const Analysis& analysis, const std::string& tensor) {
  const auto type = analysis.types.find(tensor);
  return type == analysis.types.end() ? "unknown" : type_text(type->second);
}

// x -> Relu a -> Mystery m -> Neg b -> Digamma g -> Exp c
FrozenGraph chain() {
  GraphMaker maker;
  maker.input("x", DataType::f32, {-1, 3});
  maker.node("a", "Relu", {"x"}).node("m", "Mystery", {"a"}).node("b", "Neg", {"m"});
  maker.node("g", "Digamma", {"b"}).node("c", "Exp", {"g"});
  return maker.frozen();
}

TEST(TfImport, WholeGraph) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {-1, 3}).input("y", DataType::f32, {-1, -1});
  maker.constant("w", Tensor::from<float>({3}, {1, 2, 3}));
  maker.node("mul", "Mul", {"x", "w"}).node("neg", "Neg", {"y:0"});
  auto graph = import_frozen_graph(maker.frozen(), "folder/model.pb");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_TRUE(verify(*graph).ok());
  EXPECT_EQ(graph->name, "model.pb");
  EXPECT_THAT(graph->output_names(), ElementsAre("mul", "neg"));
  EXPECT_EQ(type_text(graph->inputs()[0]->type()), "f32[N,3]");
  EXPECT_EQ(type_text(graph->inputs()[1]->type()), "f32[N,y_1]");  // one batch for all inputs
  EXPECT_EQ(graph->inputs()[0]->source(), "x:0");
  EXPECT_THAT(graph->find_node("mul")->sources(), ElementsAre("mul"));
}

TEST(TfImport, InputsAndConstantsCanBeOutputs) {
  FrozenGraph frozen = GraphMaker()
                           .input("x", DataType::f32, {2})
                           .constant("c", Tensor::from<float>({2}, {1, 2}))
                           .node("y", "Add", {"x", "c"})
                           .frozen();
  frozen.outputs = {{"same", "x:0"}, {"fixed", "c:0"}, {"y", "y"}};
  auto graph = import_frozen_graph(frozen, "m");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const auto out = evaluate_graph(*graph, std::vector<Tensor>{Tensor::from<float>({2}, {5, 6})});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ((*out)[0], Tensor::from<float>({2}, {5, 6}));
  EXPECT_EQ((*out)[1], Tensor::from<float>({2}, {1, 2}));
  EXPECT_EQ((*out)[2], Tensor::from<float>({2}, {6, 8}));
  frozen.outputs = {{"none", "x:1"}};
  EXPECT_EQ(import_frozen_graph(frozen, "m").status().code(), Code::kUnsupported);
  frozen.outputs = {{"none", "nowhere:0"}};
  EXPECT_THAT(import_frozen_graph(frozen, "m").status().message(), HasSubstr("nowhere"));
}

TEST(TfImport, AllProblemsAtOnce) {
  FrozenGraph frozen = chain();
  const Status status = import_frozen_graph(frozen, "models/net.pb").status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  const std::string text = status.message();
  EXPECT_THAT(text, HasSubstr("models/net.pb"));
  EXPECT_THAT(text, HasSubstr("operators cannot be imported"));
  EXPECT_THAT(text, HasSubstr("Mystery 'm': Hone has no operator Mystery"));
  EXPECT_THAT(text, HasSubstr("Neg 'b'"));
  EXPECT_THAT(text, HasSubstr("Digamma 'g'"));
  EXPECT_THAT(text, Not(HasSubstr("Relu 'a'")));
  EXPECT_THAT(status.fix_hint(), HasSubstr("hone tf convert"));
}

TEST(TfImport, ReportIsBounded) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2});
  for (int i = 0; i < 80; ++i) maker.node(fmt::format("n{}", i), "Mystery", {"x"});
  const std::string text = import_frozen_graph(maker.frozen(), "m").status().message();
  EXPECT_THAT(text, HasSubstr("80 operators cannot be imported"));
  EXPECT_THAT(text, HasSubstr("Mystery 'n49'"));
  EXPECT_THAT(text, Not(HasSubstr("Mystery 'n50'")));
  EXPECT_THAT(text, HasSubstr("..."));
}

TEST(TfImport, UnknownInputTypeIsAnError) {
  FrozenGraph frozen = GraphMaker().input("x", DataType::f32, {2}).node("y", "Neg", {"x"}).frozen();
  frozen.inputs[0].shape = {true, {}};
  const Status status = import_frozen_graph(frozen, "m").status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("input 'x' has type float32 and unknown rank"));
  frozen.inputs[0].shape = {false, {2}};
  frozen.inputs[0].dtype = TfType::kResource;
  EXPECT_EQ(import_frozen_graph(frozen, "m").status().code(), Code::kUnsupported);
}

TEST(TfAnalyze, VerdictsAndKeptTypes) {
  const FrozenGraph frozen = chain();
  const Analysis analysis = analyze(frozen, {}, {});
  EXPECT_TRUE(verdict_of(frozen, analysis, "a").importable);
  EXPECT_EQ(verdict_of(frozen, analysis, "m").reason, "Hone has no operator Mystery");
  EXPECT_THAT(verdict_of(frozen, analysis, "m").fix, HasSubstr("TensorFlow"));
  EXPECT_THAT(verdict_of(frozen, analysis, "b").reason,
              HasSubstr("the type of its input 'm:0' (Mystery) is not known"));
  EXPECT_FALSE(verdict_of(frozen, analysis, "x").importable);
  EXPECT_THAT(verdict_of(frozen, analysis, "x").reason, IsEmpty());
  EXPECT_EQ(type_of(analysis, "x:0"), "f32[N,3]");
  EXPECT_EQ(type_of(analysis, "a:0"), "f32[N,3]");
  EXPECT_EQ(type_of(analysis, "m:0"), "unknown");
  EXPECT_EQ(type_of(analysis, "c:0"), "unknown");
}

TEST(TfAnalyze, HintsGoOn) {
  const FrozenGraph frozen = chain();
  const TypeHints hints = {{"m:0", {DataType::f64, {Dim::symbol("N"), Dim(7)}}}};
  const Analysis analysis = analyze(frozen, hints, {});
  EXPECT_FALSE(verdict_of(frozen, analysis, "m").importable);
  EXPECT_TRUE(verdict_of(frozen, analysis, "b").importable);
  EXPECT_FALSE(verdict_of(frozen, analysis, "g").importable);
  EXPECT_TRUE(verdict_of(frozen, analysis, "c").importable);  // Digamma keeps the type
  EXPECT_EQ(type_of(analysis, "m:0"), "f64[N,7]");
  EXPECT_EQ(type_of(analysis, "c:0"), "f64[N,7]");
}

TEST(TfAnalyze, BroadcastingOpsKeepOnlyACommonType) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2, 3}).input("s", DataType::f32, {});
  maker.node("same", "Igamma", {"x", "x"}).node("other", "Igamma", {"s", "x"});
  maker.node("cumsum", "Cumsum", {"x", "axis"}).constant("axis", Tensor::scalar<int32_t>(0));
  const FrozenGraph frozen = maker.frozen();
  const Analysis analysis = analyze(frozen, {}, {});
  EXPECT_EQ(type_of(analysis, "same:0"), "f32[2,3]");
  EXPECT_EQ(type_of(analysis, "other:0"), "unknown");
  EXPECT_EQ(type_of(analysis, "cumsum:0"), "f32[2,3]");
}

TEST(TfAnalyze, DeniedOpsHaveTypesButNoValues) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {-1, 3});
  maker.node("s", "Shape", {"x"}, {{"out_type", TfType::kInt32}});
  maker.node("r", "Reshape", {"x", "s"}).node("n", "Neg", {"x"});
  const FrozenGraph frozen = maker.frozen();
  EXPECT_TRUE(verdict_of(frozen, analyze(frozen, {}, {}), "r").importable);
  const Analysis analysis = analyze(frozen, {}, {"Shape"});
  EXPECT_EQ(verdict_of(frozen, analysis, "s").reason, "Shape is on the deny list");
  EXPECT_EQ(type_of(analysis, "s:0"), "i32[2]");
  // What an engine would be given of the shape are numbers it sees only at run time.
  EXPECT_THAT(type_of(analysis, "r:0"), Not(HasSubstr("[N,3]")));
  EXPECT_TRUE(verdict_of(frozen, analysis, "n").importable);
}

TEST(TfAnalyze, ControlInputsAndStrings) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2}).constant("t", Tensor::strings({1}, {"text"}));
  maker.node("a", "Neg", {"x"}).node("b", "Neg", {"x", "^a"}).node("e", "Equal", {"t", "t"});
  maker.node("z", "ZerosLike", {"t"});
  const FrozenGraph frozen = maker.frozen();
  const Analysis analysis = analyze(frozen, {}, {});
  EXPECT_TRUE(verdict_of(frozen, analysis, "b").importable);  // freezing drops idle control inputs
  EXPECT_EQ(verdict_of(frozen, analysis, "e").reason, "it has strings");
  EXPECT_EQ(verdict_of(frozen, analysis, "z").reason, "it has strings");
}

TEST(TfSegment, RunsAPart) {
  const FrozenGraph frozen = chain();
  const TypeHints hints = {{"m:0", {DataType::f32, {Dim::symbol("N"), Dim(2)}}}};
  const Analysis analysis = analyze(frozen, hints, {});
  const Segment segment{{index_of(frozen, "b")}, {"m:0"}, {"b:0"}};
  auto graph = import_segment(frozen, segment, analysis.types);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_TRUE(verify(*graph).ok());
  EXPECT_EQ(graph->inputs()[0]->source(), "m:0");
  EXPECT_THAT(graph->output_names(), ElementsAre("b:0"));
  const auto out = evaluate_graph(*graph, std::vector<Tensor>{Tensor::from<float>({1, 2}, {1, 2})});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ((*out)[0], Tensor::from<float>({1, 2}, {-1, -2}));
}

TEST(TfSegment, ConstantsComeAlong) {
  GraphMaker maker;
  maker.input("x", DataType::f32, {2}).constant("c", Tensor::from<float>({2}, {10, 20}));
  maker.node("y", "Add", {"x", "c"});
  const FrozenGraph frozen = maker.frozen();
  const Segment segment{{index_of(frozen, "y")}, {"x:0"}, {"y:0"}};
  auto graph = import_segment(frozen, segment, analyze(frozen, {}, {}).types);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->inputs().size(), 1u);
  EXPECT_THAT(import_segment(frozen, {segment.nodes, {}, {"y:0"}}, {}).status().message(),
              HasSubstr("x:0"));
  EXPECT_EQ(import_segment(frozen, segment, {}).status().code(), Code::kInternal);  // no type
}

// Symbols made up in the analysis are names of an engine's inputs; the engine's graph makes up its
// own, which must be others.
TEST(TfSegment, MadeUpSymbolsStayApart) {
  GraphMaker maker;
  maker.input("n", DataType::i32, {}).input("m", DataType::i32, {});
  maker.constant("zero", Tensor::scalar<int32_t>(0)).constant("one", Tensor::scalar<int32_t>(1));
  maker.node("p", "Range", {"zero", "n", "one"}).node("q", "Range", {"zero", "m", "one"});
  maker.constant("axis", Tensor::scalar<int32_t>(0)).node("np", "Neg", {"p"});
  maker.node("both", "ConcatV2", {"np", "q", "axis"});
  const FrozenGraph frozen = maker.frozen();
  const Analysis analysis = analyze(frozen, {}, {});
  ASSERT_TRUE(verdict_of(frozen, analysis, "both").importable);
  // p from outside, its length is the first symbol of the analysis; q's is the first of the engine.
  const Segment segment{{index_of(frozen, "np"), index_of(frozen, "q"), index_of(frozen, "both")},
                        {"p:0", "m:0"},
                        {"both:0"}};
  auto graph = import_segment(frozen, segment, analysis.types);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Dim p = graph->inputs()[0]->shape()[0];
  ASSERT_TRUE(p.is_symbol());
  EXPECT_NE(graph->outputs()[0]->shape()[0].text(), (p + p).text());
}

TEST(TfImport, TableIsSortedAndUnique) {
  const auto ops = importable_ops();
  EXPECT_GT(ops.size(), 120u);
  for (size_t i = 1; i < ops.size(); ++i) EXPECT_LT(ops[i - 1].op, ops[i].op);
}

}  // namespace
}  // namespace hone::tf

#include "importers/tensorflow/freeze.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "importers/tensorflow/bundle_test_util.h"
#include "importers/tensorflow/saved_model.h"

namespace hone::tf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::map<std::string, Tensor>& weights() {
  static const auto* map = new std::map<std::string, Tensor>{
      {"other", Tensor::from<float>({1}, {9})}, {"w/value", Tensor::from<float>({3}, {2, 3, 4})}};
  return *map;
}

Result<FrozenGraph> freeze(const MetaGraph& meta) {
  const TempFolder folder;
  write_saved_model(folder, meta, weights());
  HONE_ASSIGN_OR_RETURN(const SavedModel model, read_saved_model(folder.path()));
  return freeze_signature(model);
}

// "name op(inputs)" of each node.
std::vector<std::string> lines(const FrozenGraph& graph) {
  std::vector<std::string> result;
  for (const NodeDef& node : graph.graph.nodes) {
    std::string line = node.name + " " + node.op + "(";
    for (const std::string& input : node.inputs) line += (line.back() == '(' ? "" : " ") + input;
    result.push_back(line + ")");
  }
  return result;
}

const NodeDef& find(const GraphDef& graph, const std::string& name) {
  for (const NodeDef& node : graph.nodes) {
    if (node.name == name) return node;
  }
  ADD_FAILURE() << "no node " << name;
  return graph.nodes[0];
}

TEST(Freeze, InlinesCallsAndFreezesVariables) {
  const auto graph = freeze(scale_model());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_THAT(lines(*graph),
              ElementsAre("x Placeholder()", "w Const()", "mul Mul(x w)", "relu Relu(mul)"));
  EXPECT_EQ(find(graph->graph, "w").attr<TensorProto>("value")->tensor().value(),
            weights().at("w/value"));
  ASSERT_EQ(graph->inputs.size(), 1u);
  EXPECT_EQ(graph->inputs[0].tensor, "x:0");
  EXPECT_EQ(graph->outputs[0].key, "y");
  EXPECT_EQ(graph->outputs[0].tensor, "relu:0");
  EXPECT_TRUE(graph->graph.library.functions.empty());
  EXPECT_TRUE(graph->side_effects.empty());
}

TEST(Freeze, NamesStayUnique) {
  MetaGraph meta = scale_model();
  auto& nodes = meta.graph.nodes;
  nodes.insert(nodes.begin() + 3, make_node("again", "StatefulPartitionedCall", {"call", "w"},
                                            {{"f", FuncAttr{"net", {}}}}));
  nodes[4].inputs = {"again"};
  const auto graph = freeze(meta);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_THAT(lines(*graph), ElementsAre("x Placeholder()", "w Const()", "call/mul Mul(x w)",
                                         "call/relu Relu(call/mul)", "again/mul Mul(call/relu w)",
                                         "again/relu Relu(again/mul)"));
}

TEST(Freeze, WrittenVariableStays) {
  MetaGraph meta = scale_model();
  FunctionDef& net = meta.graph.library.functions[0];
  net.nodes.push_back(make_node("add", "AssignAddVariableOp", {"w", "x"}));
  net.nodes[2].inputs.push_back("^add");
  net.control_ret["add"] = "add";
  const auto graph = freeze(meta);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(find(graph->graph, "w").op, "VarHandleOp");
  EXPECT_EQ(find(graph->graph, "read").inputs, (std::vector<std::string>{"w", "^add"}));
  EXPECT_THAT(graph->side_effects, ElementsAre("add"));
}

TEST(Freeze, ResourceGatherBecomesGather) {
  MetaGraph meta = scale_model();
  FunctionDef& net = meta.graph.library.functions[0];
  net.nodes[2] = make_node("read", "ResourceGather", {"w", "x"},
                           {{"dtype", TfType::kFloat}, {"Tindices", TfType::kInt32}});
  net.nodes[1].inputs[1] = "read:output:0";
  meta.op_defs.push_back(make_op("ResourceGather", {make_arg("output")}, true));
  const auto graph = freeze(meta);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(find(graph->graph, "read").op, "GatherV2");
  EXPECT_EQ(find(graph->graph, "read").inputs, (std::vector<std::string>{"w", "x", "read/axis"}));
}

// While(i, x, w): i < 3; (i + 1, x * w, w).
MetaGraph loop_model() {
  MetaGraph meta = scale_model();
  const ArgDef w = make_arg("w", TfType::kResource);
  const std::vector<ArgDef> args{make_arg("i"), make_arg("v"), w};
  std::vector<ArgDef> outputs{make_arg("i_out"), make_arg("v_out"), w};
  outputs[2].name = "w_out";
  auto& functions = meta.graph.library.functions;
  functions.push_back(make_function("cond", args, {make_arg("c", TfType::kBool)},
                                    {make_node("less", "Less", {"i", "i"})}, {{"c", "less:z:0"}}));
  functions.push_back(
      make_function("body", args, outputs,
                    {make_node("read", "ReadVariableOp", {"w"}, {{"dtype", TfType::kFloat}}),
                     make_node("mul", "Mul", {"v", "read:value:0"}),
                     make_node("hand_on", "Identity", {"w"}, {{"T", TfType::kResource}})},
                    {{"i_out", "i"}, {"v_out", "mul:z:0"}, {"w_out", "hand_on:output:0"}}));
  const ListAttr types{.type = {TfType::kFloat, TfType::kFloat, TfType::kResource}};
  functions[0].nodes = {
      make_const("zero", Tensor::scalar<float>(0)),
      make_node("loop", "While", {"zero:output:0", "x", "w"},
                {{"T", types}, {"cond", FuncAttr{"cond", {}}}, {"body", FuncAttr{"body", {}}}}),
      make_node("after", "ReadVariableOp", {"loop:output:2"}, {{"dtype", TfType::kFloat}}),
      make_node("sum", "Mul", {"loop:output:1", "after:value:0"}),
  };
  functions[0].ret = {{"y", "sum:z:0"}};
  meta.op_defs.push_back(make_op("Const", {make_arg("output")}));
  meta.op_defs.push_back(make_op("Less", {make_arg("z")}));
  return meta;
}

TEST(Freeze, LoopGetsTheValueOfACapturedVariable) {
  const auto graph = freeze(loop_model());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const NodeDef& loop = find(graph->graph, "loop");
  EXPECT_EQ(loop.inputs, (std::vector<std::string>{"zero", "x", "w"}));
  EXPECT_EQ(loop.attr<ListAttr>("T")->type[2], TfType::kFloat);
  EXPECT_EQ(find(graph->graph, "sum").inputs, (std::vector<std::string>{"loop:1", "w"}));
  ASSERT_EQ(graph->graph.library.functions.size(), 2u);
  const FunctionDef* body = graph->graph.library.find(loop.attr<FuncAttr>("body")->name);
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(body->signature.inputs[2].type, TfType::kFloat);
  EXPECT_EQ(body->signature.outputs[2].type, TfType::kFloat);
  EXPECT_EQ(body->nodes[0].op, "Identity");
  EXPECT_EQ(body->nodes[1].inputs[1], "read:output:0");

  const auto flat = flatten_function(*graph, body->signature.name);
  ASSERT_TRUE(flat.ok()) << flat.status().message();
  EXPECT_THAT(lines(*flat),
              ElementsAre("i Placeholder()", "v Placeholder()", "w Placeholder()", "mul Mul(v w)"));
  EXPECT_EQ(flat->outputs[1].tensor, "mul:0");
  EXPECT_EQ(flat->outputs[2].tensor, "w:0");
}

TEST(Freeze, LoopThatWritesTheVariableKeepsIt) {
  MetaGraph meta = loop_model();
  meta.graph.library.functions.back().nodes.push_back(
      make_node("add", "AssignAddVariableOp", {"w", "v"}));
  const auto graph = freeze(meta);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(find(graph->graph, "w").op, "VarHandleOp");
  EXPECT_EQ(find(graph->graph, "loop").attr<FuncAttr>("body")->name, "body");
}

TEST(Freeze, ErrorsSayWhatIsWrong) {
  const auto message = [](const MetaGraph& meta) {
    const auto graph = freeze(meta);
    return graph.ok() ? "no error" : graph.status().message();
  };
  MetaGraph meta = scale_model();
  meta.graph.library.functions[0].nodes[1].inputs[0] = "relu:activations:0";
  EXPECT_THAT(message(meta), HasSubstr("cycle: 'relu' <- 'mul'"));

  meta = scale_model();
  meta.graph.library.functions[0].nodes[1].op = "net";
  EXPECT_THAT(message(meta), HasSubstr("function 'net' calls itself"));

  meta = scale_model();
  meta.graph.library.functions[0].nodes[1].inputs[0] = "gone:z:0";
  EXPECT_THAT(message(meta), HasSubstr("there is no node 'gone'"));

  meta = scale_model();
  meta.graph.nodes[0].attrs["shape"] = ShapeProto{false, {4}};
  EXPECT_THAT(message(meta), HasSubstr("do not belong together"));

  meta = scale_model();
  meta.graph.nodes[2].inputs.pop_back();
  EXPECT_THAT(message(meta), HasSubstr("takes 2"));

  meta = scale_model();
  meta.signatures["other"] = meta.signatures["serving_default"];
  meta.signatures["third"] = meta.signatures["serving_default"];
  meta.signatures.erase("serving_default");
  EXPECT_THAT(message(meta), HasSubstr("choose one of: other, third"));
}

TEST(Freeze, TagsAreMatchedAndListed) {
  const TempFolder folder;
  write_saved_model(folder, scale_model(), weights());
  EXPECT_TRUE(read_saved_model(folder.path(), {}).ok());
  const auto wrong = read_saved_model(folder.path(), {"serve", "gpu"});
  EXPECT_EQ(wrong.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(wrong.status().message(), HasSubstr("{'serve'}"));
  EXPECT_EQ(*detect_format(folder.path()), ModelFormat::kSavedModel);
  EXPECT_EQ(read_saved_model(folder.path() + "/none").status().code(), Code::kIo);
}

// 2^40 nodes if inlined without a bound.
TEST(Freeze, InliningIsBounded) {
  MetaGraph meta = scale_model();
  auto& functions = meta.graph.library.functions;
  for (int i = 0; i < 40; ++i) {
    const std::string next = i == 39 ? "Relu" : "f" + std::to_string(i + 1);
    functions.push_back(make_function("f" + std::to_string(i), {make_arg("x")}, {make_arg("y")},
                                      {make_node("a", next, {"x"}), make_node("b", next, {"a"})},
                                      {{"y", "b"}}));
  }
  functions[0].nodes[0].op = "f0";
  functions[0].ret["y"] = "relu:y:0";
  const auto graph = freeze(meta);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().code(), Code::kOutOfResources) << graph.status().message();
}

TEST(Freeze, LongChainsNeedNoStack) {
  GraphDef graph;
  graph.nodes.push_back(make_node("n0", "Placeholder", {}, {{"dtype", TfType::kFloat}}));
  constexpr int kNodes = 100000;
  for (int i = 1; i < kNodes; ++i) {
    graph.nodes.push_back(
        make_node("n" + std::to_string(i), "Relu", {"n" + std::to_string(i - 1)}));
  }
  const auto frozen = freeze_graph_def(graph, "chain");
  ASSERT_TRUE(frozen.ok()) << frozen.status().message();
  EXPECT_EQ(frozen->graph.nodes.size(), static_cast<size_t>(kNodes));
  ASSERT_EQ(frozen->outputs.size(), 1u);
  EXPECT_EQ(frozen->outputs[0].key, "n99999");
}

TEST(Freeze, GraphDefWithV1Loop) {
  GraphDef graph;
  graph.nodes = {make_node("x", "Placeholder", {}, {{"dtype", TfType::kFloat}}),
                 make_node("enter", "Enter", {"x"}),
                 make_node("merge", "Merge", {"enter", "next"}),
                 make_node("cond", "LoopCond", {"merge:1"}),
                 make_node("switch", "Switch", {"merge", "cond"}),
                 make_node("pivot", "Identity", {"switch:1"}),
                 make_const("one", Tensor::scalar<float>(1)),
                 make_node("add", "AddV2", {"pivot", "one"}),
                 make_node("next", "NextIteration", {"add"}),
                 make_node("exit", "Exit", {"switch"}),
                 make_node("y", "Identity", {"exit"})};
  graph.nodes[6].inputs = {"^pivot"};
  const auto frozen = freeze_graph_def(graph, "loop");
  ASSERT_TRUE(frozen.ok()) << frozen.status().message();
  EXPECT_EQ(frozen->outputs[0].key, "y");
  EXPECT_EQ(frozen->outputs[0].tensor, "exit:0");
  EXPECT_EQ(find(frozen->graph, "merge").inputs, (std::vector<std::string>{"enter", "next"}));
  EXPECT_EQ(find(frozen->graph, "one").inputs, (std::vector<std::string>{"^pivot"}));
}

// Damage anywhere gives an error or a graph, never a crash. Meant to be run with sanitizers too.
class Damage : public testing::TestWithParam<const char*> {};

TEST_P(Damage, EveryTruncationAndFlip) {
  const TempFolder folder;
  write_saved_model(folder, loop_model(), weights());
  const std::string path = folder.file(GetParam());
  const std::string good = *read_file(path);
  const auto try_with = [&](const std::string& bytes) {
    // Written in place: renaming for each of thousands of files would mean as many flushes.
    FILE* file = std::fopen(path.c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    const auto model = read_saved_model(folder.path());
    if (!model.ok()) return false;
    const auto graph = freeze_signature(*model);
    if (!graph.ok()) return false;
    const auto again = serialize(graph->graph);
    return again.ok() && freeze_graph_def(*parse_graph_def(*again, nullptr, "again"), "again").ok();
  };
  ASSERT_TRUE(try_with(good));
  size_t survived = 0;
  for (size_t size = 0; size < good.size(); ++size) survived += try_with(good.substr(0, size));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    for (const int flip : {0x01, 0x80, 0xff}) {
      bad[i] = static_cast<char>(good[i] ^ flip);
      survived += try_with(bad);
    }
  }
  EXPECT_LT(survived, 4 * good.size());
}

INSTANTIATE_TEST_SUITE_P(Files, Damage,
                         testing::Values("saved_model.pb", "variables/variables.index",
                                         "variables/variables.data-00000-of-00001"));

}  // namespace
}  // namespace hone::tf

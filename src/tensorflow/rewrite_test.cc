#include "tensorflow/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "hone/engine.h"
#include "hone/tensorflow.h"
#include "importers/tensorflow/bundle_test_util.h"
#include "importers/tensorflow/saved_model.h"

namespace hone::tensorflow {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tf::make_node;
using tf::TfType;

// x -> a -> b -> (s0, s1) = split; foo(s1, ^a, w); the engine holds a, b, split.
struct Example {
  tf::FrozenGraph frozen;
  tf::TypeHints types;
  std::vector<EngineNode> engines;
};
Example example() {
  Example e;
  e.frozen.graph.nodes = {make_node("x", "Placeholder", {}, {{"dtype", TfType::kFloat}}),
                          tf::make_const("w", Tensor::scalar(1.0f)),
                          tf::make_const("inner", Tensor::scalar(2.0f)),
                          make_node("before", "NoOp"),
                          make_node("a", "Add", {"x", "inner", "^before"}),
                          make_node("b", "Relu", {"a", "^a"}),
                          make_node("s", "Split", {"inner", "b"}),
                          make_node("foo", "Foo", {"s:1", "w", "^a"})};
  const TensorType type{DataType::f32, {Dim::symbol("N"), 4}};
  for (const char* name : {"x:0", "a:0", "b:0", "s:0", "s:1"}) e.types[name] = type;
  const tf::ShapeProto shape{false, {-1, 4}};
  e.frozen.inputs = {{"in", "x:0", TfType::kFloat, shape}};
  e.frozen.outputs = {{"first", "s:0", TfType::kFloat, shape},
                      {"second", "foo:0", TfType::kFloat, shape}};
  e.engines = {{"HoneEngineOp_000_000",
                "0123",
                "HoneEngineOp_000_000.plan",
                {{4, 5, 6}, {"x:0"}, {"s:0", "s:1"}},
                3}};
  return e;
}

const tf::NodeDef* find(const tf::GraphDef& graph, const std::string& name) {
  for (const tf::NodeDef& node : graph.nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

TEST(Rewrite, EngineInPlaceOfTheSegment) {
  const Example e = example();
  const std::string bytes =
      write_converted_model(e.frozen, e.types, e.engines, "serving_default", {"serve"}).value();
  const tf::MetaGraph meta = tf::parse_meta_graph(bytes, 0, nullptr, "m").value();
  const tf::GraphDef& graph = meta.graph;
  for (const char* gone : {"a", "b", "s", "inner"}) EXPECT_EQ(find(graph, gone), nullptr) << gone;
  const tf::NodeDef* engine = find(graph, "HoneEngineOp_000_000");
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->op, "HoneEngineOp");
  EXPECT_THAT(engine->inputs, ElementsAre("x:0", "^before"));
  EXPECT_EQ(engine->attr<tf::ListAttr>("InT")->type, std::vector<TfType>{TfType::kFloat});
  EXPECT_EQ(engine->attr<tf::ListAttr>("OutT")->type, std::vector<TfType>(2, TfType::kFloat));
  EXPECT_EQ(*engine->attr<std::string>("plan"), "key:0123");
  EXPECT_EQ(*engine->attr<int64_t>("threads"), 3);
  const tf::NodeDef* shape = find(graph, "HoneEngineOp_000_000/shape_1");
  ASSERT_NE(shape, nullptr);
  EXPECT_EQ(shape->op, "EnsureShape");
  EXPECT_THAT(shape->inputs, ElementsAre("HoneEngineOp_000_000:1"));
  EXPECT_EQ(*shape->attr<tf::ShapeProto>("shape"), (tf::ShapeProto{false, {-1, 4}}));
  EXPECT_THAT(find(graph, "foo")->inputs,
              ElementsAre("HoneEngineOp_000_000/shape_1", "w", "^HoneEngineOp_000_000"));
}

TEST(Rewrite, SignatureAssetsAndInit) {
  const Example e = example();
  const std::string bytes =
      write_converted_model(e.frozen, e.types, e.engines, "predict", {"serve", "cpu"}).value();
  const tf::MetaGraph meta = tf::parse_meta_graph(bytes, 0, nullptr, "m").value();
  EXPECT_THAT(meta.tags, ElementsAre("serve", "cpu"));
  ASSERT_EQ(meta.signatures.size(), 1u);
  const tf::SignatureDef& signature = meta.signatures.find("predict")->second;
  EXPECT_EQ(signature.inputs.find("in")->second.name, "x:0");
  EXPECT_EQ(signature.outputs.find("first")->second.name, "HoneEngineOp_000_000/shape_0:0");
  EXPECT_EQ(signature.outputs.find("second")->second.name, "foo:0");
  ASSERT_EQ(meta.assets.size(), 1u);
  EXPECT_EQ(meta.assets[0].filename, "HoneEngineOp_000_000.plan");
  EXPECT_EQ(meta.assets[0].tensor_name, "HoneEngineOp_000_000/asset:0");
  const tf::NodeDef* load = find(meta.graph, "HoneEngineOp_000_000/init");
  ASSERT_NE(load, nullptr);
  EXPECT_EQ(*load->attr<std::string>("key"), "0123");
  EXPECT_THAT(find(meta.graph, "hone_init")->inputs, ElementsAre("^HoneEngineOp_000_000/init"));
  EXPECT_THAT(meta.collections.find("saved_model_main_op")->second, HasSubstr("hone_init"));
  EXPECT_GT(meta.graph.versions.producer, 0);
}

// --- Whole conversions.

const std::map<std::string, Tensor>& weights() {
  static const auto* map = new std::map<std::string, Tensor>{
      {"other", Tensor::from<float>({1}, {9})}, {"w/value", Tensor::from<float>({3}, {2, -3, 4})}};
  return *map;
}

ConvertOptions small_options() {
  ConvertOptions options;
  options.minimum_segment_size = 1;
  options.build.tune = false;
  options.build.threads = 1;
  return options;
}

TEST(Convert, EngineComputesTheSegment) {
  const tf::TempFolder folder;
  write_saved_model(folder, tf::scale_model(), weights());
  const auto conversion = convert_saved_model(folder.path(), small_options());
  ASSERT_TRUE(conversion.ok()) << conversion.status().message();
  ASSERT_EQ(conversion->report.engines.size(), 1u);
  const EngineReport& report = conversion->report.engines[0];
  EXPECT_EQ(report.nodes, 2);
  EXPECT_EQ(conversion->report.total_nodes, 2);
  EXPECT_THAT(report.input_names, ElementsAre("x:0"));
  EXPECT_THAT(report.input_dtypes, ElementsAre("float32"));
  EXPECT_THAT(report.input_shapes, ElementsAre("[3]"));
  EXPECT_THAT(conversion->inputs, ElementsAre(std::pair<std::string, std::string>("x", "x:0")));
  EXPECT_THAT(conversion->report.text(), HasSubstr("1 engine, 2 of 2 nodes converted (100.0 %)"));

  const Engine engine = Engine::load_bytes(report.plan).value();
  ExecutionContext context = engine.create_context();
  const float x[3] = {1, 1, 2};
  float y[3] = {};
  ASSERT_TRUE(context
                  .run({{engine.inputs()[0].name, TensorView(x, {3})}},
                       {{engine.outputs()[0].name, TensorView(static_cast<void*>(y), {3})}})
                  .ok());
  EXPECT_THAT(y, ElementsAre(2, 0, 8));

  const tf::TempFolder out;
  ASSERT_TRUE(conversion->save(out.file("m")).ok());
  EXPECT_EQ(read_file(out.file("m/assets/HoneEngineOp_000_000.plan")).value(), report.plan);
  const auto saved = tf::read_saved_model(out.file("m"));
  ASSERT_TRUE(saved.ok()) << saved.status().message();
  EXPECT_EQ(list_directory(out.path()).value(), std::vector<std::string>{"m"});  // nothing aside
  // Again: what is converted already is an error.
  const auto twice = convert_saved_model(out.file("m"), small_options());
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(twice.status().message(), HasSubstr("converted already"));
}

TEST(Convert, WhatStaysHasAReason) {
  const tf::TempFolder folder;
  write_saved_model(folder, tf::scale_model(), weights());
  ConvertOptions options = small_options();
  options.op_denylist = {"Relu"};
  const Report report = summarize_saved_model(folder.path(), options).value();
  ASSERT_EQ(report.engines.size(), 1u);
  ASSERT_EQ(report.unconverted.size(), 1u);
  EXPECT_EQ(report.unconverted[0].op, "Relu");
  EXPECT_FALSE(report.unconverted[0].reason.empty());
  EXPECT_EQ(report.converted_nodes, 1);
  options.minimum_segment_size = 2;
  const Report none = summarize_saved_model(folder.path(), options).value();
  EXPECT_TRUE(none.engines.empty());
  EXPECT_THAT(none.text(), HasSubstr("0 engines, 0 of 2 nodes"));
  EXPECT_TRUE(convert_saved_model(folder.path(), options).ok());
  options.type_hints["x:0"] = {"float99", {1}};
  EXPECT_EQ(summarize_saved_model(folder.path(), options).status().code(), Code::kInvalidArgument);
}

TEST(Convert, Cancel) {
  const tf::TempFolder folder;
  write_saved_model(folder, tf::scale_model(), weights());
  ConvertOptions options = small_options();
  options.build.progress = [](std::string_view, double, std::string_view) { return false; };
  EXPECT_EQ(convert_saved_model(folder.path(), options).status().code(), Code::kCancelled);
}

Conversion tiny_conversion() {
  Conversion conversion;
  conversion.saved_model = "model";
  EngineReport engine;
  engine.name = "e";
  engine.plan = "plan";
  conversion.report.engines = {engine};
  return conversion;
}

TEST(Save, MakesTheFolderOrTakesAnEmptyOne) {
  const tf::TempFolder folder;
  fs::create_directory(folder.file("empty"));
  for (const std::string& target :
       {folder.file("a/b/c"), folder.file("empty"), folder.file("slash/")}) {
    const Status status = tiny_conversion().save(target);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(read_file(target + "/saved_model.pb").value(), "model");
    EXPECT_EQ(read_file(target + "/assets/e.plan").value(), "plan");
    EXPECT_EQ(list_directory(target).value().size(), 2u);
  }
  EXPECT_EQ(list_directory(folder.path()).value().size(), 3u);
}

TEST(Save, Errors) {
  const tf::TempFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.file("file"), "x").ok());
  fs::create_directories(folder.file("full/inside"));
  for (const char* name : {"file", "full", "file/below"}) {
    const Status status = tiny_conversion().save(folder.file(name));
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.code(), Code::kIo) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(name));
  }
  // An engine whose file cannot be written: nothing is left.
  Conversion bad = tiny_conversion();
  bad.report.engines[0].name = "no/such/folder";
  EXPECT_EQ(bad.save(folder.file("bad")).code(), Code::kIo);
  EXPECT_EQ(list_directory(folder.path()).value().size(), 2u);
}

}  // namespace
}  // namespace hone::tensorflow

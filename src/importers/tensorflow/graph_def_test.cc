#include "importers/tensorflow/graph_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "importers/tensorflow/bundle_test_util.h"
#include "importers/tensorflow/op_defs.h"
#include "importers/tensorflow/saved_model.h"

namespace hone::tf {
namespace {

using testing::HasSubstr;

// A node with every kind of attribute.
NodeDef node_with_all_attrs() {
  const FuncAttr func{"fn", {{"T", TfType::kFloat}}};
  const ListAttr list{.s = {"a", ""},
                      .i = {-1, int64_t{1} << 40},
                      .f = {1.5f},
                      .b = {1, 0},
                      .type = {TfType::kResource, TfType{27}},
                      .shape = {ShapeProto{false, {}}, ShapeProto{false, {-1, 0, 3}}},
                      .tensor = {TensorProto(Tensor::scalar<float>(2))},
                      .func = {func}};
  return make_node("n", "Op", {"a", "b:1", "^c"},
                   {{"s", std::string("text\0x", 6)},
                    {"i", int64_t{-5}},
                    {"f", 0.25f},
                    {"b", false},
                    {"type", TfType::kBfloat16},
                    {"scalar", ShapeProto{false, {}}},
                    {"shape", ShapeProto{false, {-1, 224}}},
                    {"rank", ShapeProto{true, {}}},
                    {"tensor", TensorProto(Tensor::from<int64_t>({2}, {7, -7}))},
                    {"list", list},
                    {"empty_list", ListAttr{}},
                    {"func", func},
                    {"placeholder", PlaceholderAttr{"T"}},
                    {"none", AttrValue{}}});
}

TEST(GraphDef, RoundTripKeepsEverything) {
  GraphDef graph = scale_model().graph;
  graph.nodes.push_back(node_with_all_attrs());
  graph.nodes.back().device = "/device:CPU:0";
  graph.versions = {1087, 12, {5, 6}};
  graph.library.gradients = {{"f", "f_grad"}};
  FunctionDef& function = graph.library.functions[0];
  function.control_ret = {{"c", "read"}};
  function.attrs["_noinline"] = true;
  function.arg_attrs[1]["_user_specified_name"] = std::string("w");
  function.resource_arg_unique_ids = {{1, 3}};
  function.signature.control_outputs = {"c"};
  function.signature.inputs[1].handle_data = {std::string("\x0a\x00", 2)};

  const auto bytes = serialize(graph);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto again = parse_graph_def(*bytes, nullptr, "test");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(*serialize(*again), *bytes);

  const NodeDef& node = again->nodes.back();
  EXPECT_EQ(node.inputs, (std::vector<std::string>{"a", "b:1", "^c"}));
  EXPECT_EQ(*node.attr<std::string>("s"), std::string("text\0x", 6));
  EXPECT_EQ(*node.attr<int64_t>("i"), -5);
  EXPECT_EQ(*node.attr<bool>("b"), false);
  EXPECT_EQ(node.attr<ShapeProto>("scalar")->dims.size(), 0u);
  EXPECT_TRUE(node.attr<ShapeProto>("rank")->unknown_rank);
  EXPECT_EQ(node.attr<PlaceholderAttr>("placeholder")->name, "T");
  EXPECT_NE(node.attr<ListAttr>("empty_list"), nullptr);
  const ListAttr& list = *node.attr<ListAttr>("list");
  EXPECT_EQ(list.i, (std::vector<int64_t>{-1, int64_t{1} << 40}));
  EXPECT_EQ(list.shape[1].dims, (std::vector<int64_t>{-1, 0, 3}));
  EXPECT_EQ(list.type[1], TfType{27});
  EXPECT_EQ(*node.attr<FuncAttr>("func")->attrs[0].second.get<TfType>(), TfType::kFloat);
  EXPECT_EQ(node.attr<TensorProto>("tensor")->tensor()->data<int64_t>()[1], -7);
  EXPECT_EQ(again->library.functions[0].arg_attrs.at(1).size(), 1u);
  EXPECT_EQ(again->versions.bad_consumers, (std::vector<int32_t>{5, 6}));
}

TEST(GraphDef, UnknownAttrKindIsKept) {
  std::string graph;
  {
    protozero::pbf_writer out(graph);
    protozero::pbf_writer node(out, 1);
    node.add_string(1, "n");
    node.add_string(2, "Op");
    protozero::pbf_writer entry(node, 5);
    entry.add_string(1, "new");
    protozero::pbf_writer value(entry, 2);
    value.add_string(99, "future");
    value.add_uint64(100, 7);
  }
  const auto parsed = parse_graph_def(graph, nullptr, "test");
  ASSERT_TRUE(parsed.ok());
  EXPECT_NE(parsed->nodes[0].attr<RawAttr>("new"), nullptr);
  const auto again = parse_graph_def(*serialize(*parsed), nullptr, "again");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->nodes[0].attr<RawAttr>("new")->bytes,
            parsed->nodes[0].attr<RawAttr>("new")->bytes);
}

TEST(GraphDef, AttributeErrorsNameNodeAndAttribute) {
  const NodeDef node = node_with_all_attrs();
  EXPECT_EQ(*node.attr_or<int64_t>("absent", 3), 3);
  EXPECT_THAT(node.attr_or<int64_t>("f", 3).status().message(), HasSubstr("node 'n' (Op)"));
  EXPECT_THAT(node.required_attr<float>("absent").status().message(), HasSubstr("is missing"));
}

// A TensorProto written by hand: `fill` adds the value fields.
template <class F>
Result<Tensor> decode(TfType dtype, std::vector<int64_t> shape, F&& fill) {
  std::string bytes;
  {
    protozero::pbf_writer out(bytes);
    out.add_enum(1, static_cast<int32_t>(dtype));
    write_shape(protozero::pbf_writer(out, 2), ShapeProto{false, shape});
    fill(out);
  }
  Decoder decoder(bytes, nullptr, "test");
  const auto proto = guarded(decoder, [&] { return TensorProto::from_wire(decoder, bytes); });
  if (!proto.ok()) return proto.status();
  return proto->tensor();
}

using Writer = protozero::pbf_writer;

TEST(TensorProto, TypedValuesOfEachDtype) {
  EXPECT_EQ(*decode(TfType::kFloat, {3}, [](Writer& w) { w.add_float(5, 1.5f); }),
            Tensor::from<float>({3}, {1.5f, 1.5f, 1.5f}));  // the last value repeats
  EXPECT_EQ(*decode(TfType::kInt32, {3},
                    [](Writer& w) {
                      const std::vector<int32_t> values{4, -5};
                      w.add_packed_int32(7, values.begin(), values.end());
                    }),
            Tensor::from<int32_t>({3}, {4, -5, -5}));
  EXPECT_EQ(*decode(TfType::kDouble, {}, [](Writer& w) { w.add_double(6, -2); }),
            Tensor::scalar<double>(-2));
  EXPECT_EQ(*decode(TfType::kInt8, {}, [](Writer& w) { w.add_int32(7, -128); }),
            Tensor::scalar<int8_t>(-128));
  EXPECT_EQ(*decode(TfType::kUint16, {}, [](Writer& w) { w.add_int32(7, 65535); }),
            Tensor::scalar<uint16_t>(65535));
  EXPECT_EQ(*decode(TfType::kInt64, {}, [](Writer& w) { w.add_int64(10, INT64_MIN); }),
            Tensor::scalar<int64_t>(INT64_MIN));
  EXPECT_EQ(*decode(TfType::kUint64, {}, [](Writer& w) { w.add_uint64(17, UINT64_MAX); }),
            Tensor::scalar<uint64_t>(UINT64_MAX));
  EXPECT_EQ(*decode(TfType::kBool, {2}, [](Writer& w) { w.add_bool(11, true); }),
            Tensor::from<bool>({2}, {true, true}));
  EXPECT_EQ(*decode(TfType::kHalf, {}, [](Writer& w) { w.add_int32(13, 0x3c00); }),
            Tensor::scalar(Float16(1.0f)));
  EXPECT_EQ(*decode(TfType::kBfloat16, {}, [](Writer& w) { w.add_int32(13, 0x3f80); }),
            Tensor::scalar(BFloat16(1.0f)));
  EXPECT_EQ(*decode(TfType::kString, {2}, [](Writer& w) { w.add_string(8, "ab"); }),
            Tensor::from<std::string>({2}, {"ab", "ab"}));
  EXPECT_EQ(*decode(TfType::kFloat, {2}, [](Writer&) {}), Tensor::from<float>({2}, {0, 0}));
  EXPECT_EQ(decode(TfType::kFloat, {0, 4}, [](Writer&) {})->num_elements(), 0);
}

TEST(TensorProto, DamageAndLimits) {
  const auto content = [](Writer& w) { w.add_bytes(4, "abcde"); };
  EXPECT_EQ(decode(TfType::kFloat, {1}, content).status().code(), Code::kModel);
  EXPECT_EQ(decode(TfType::kResource, {1}, content).status().code(), Code::kUnsupported);
  EXPECT_EQ(decode(TfType::kFloat, {-1}, content).status().code(), Code::kModel);
  // A few bytes must not become 4 GiB.
  const auto one = [](Writer& w) { w.add_float(5, 1.0f); };
  EXPECT_EQ(decode(TfType::kFloat, {1 << 30}, one).status().code(), Code::kOutOfResources);
  EXPECT_FALSE(decode(TfType::kFloat, {INT64_MAX, INT64_MAX}, one).ok());
  EXPECT_FALSE(decode(TfType::kString, {1 << 30}, [](Writer&) {}).ok());
}

TEST(GraphDef, ManyEmptyMessagesAreBounded) {
  // 2 MiB of empty attributes would become 300 MiB of map nodes if they were kept.
  std::string node;
  protozero::pbf_writer(node).add_string(1, "n");
  protozero::pbf_writer(node).add_string(2, "Op");
  for (int i = 0; i < (1 << 20); ++i) node += std::string("\x2a\x00", 2);
  std::string graph;
  protozero::pbf_writer(graph).add_message(1, node);
  const auto parsed = parse_graph_def(graph, nullptr, "test");
  EXPECT_EQ(parsed.status().code(), Code::kOutOfResources);
  EXPECT_THAT(parsed.status().message(), HasSubstr("node 'n'"));
}

TEST(GraphDef, DeepNestingIsAnError) {
  std::string value;  // AttrValue.func.attr["k"] -> AttrValue ...
  for (int i = 0; i < 200; ++i) {
    std::string entry, func, outer;
    protozero::pbf_writer(entry).add_string(1, "k");
    protozero::pbf_writer(entry).add_message(2, value);
    protozero::pbf_writer(func).add_message(2, entry);
    protozero::pbf_writer(outer).add_message(10, func);
    value = outer;
  }
  std::string entry, node, graph;
  protozero::pbf_writer(entry).add_message(2, value);
  protozero::pbf_writer(node).add_message(5, entry);
  protozero::pbf_writer(graph).add_message(1, node);
  const auto parsed = parse_graph_def(graph, nullptr, "model.pb");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.status().message(), HasSubstr("model.pb"));
  EXPECT_THAT(parsed.status().message(), HasSubstr("nested"));
}

TEST(GraphDef, TypesMapBothWays) {
  for (const DataType type : {DataType::f32, DataType::f16, DataType::bf16, DataType::i64,
                              DataType::boolean, DataType::string, DataType::u64}) {
    EXPECT_EQ(to_hone(to_tf(type)), type);
  }
  EXPECT_EQ(to_hone(TfType::kVariant), std::nullopt);
  EXPECT_EQ(type_name(TfType{101}), "float32_ref");
  EXPECT_EQ(type_name(TfType{77}), "type 77");
}

TEST(GraphDef, LooksLikeGraphDef) {
  EXPECT_TRUE(looks_like_graph_def(*serialize(scale_model().graph)));
  EXPECT_FALSE(looks_like_graph_def(""));
  EXPECT_FALSE(looks_like_graph_def("PK\x03\x04 some zip"));
  EXPECT_FALSE(looks_like_graph_def(*serialize_saved_model(scale_model())));
  std::string onnx;  // ir_version, producer, graph { name }, opset
  protozero::pbf_writer(onnx).add_int64(1, 8);
  protozero::pbf_writer(onnx).add_string(2, "test");
  protozero::pbf_writer(onnx).add_message(7, std::string("\x12\x01g", 3));
  EXPECT_FALSE(looks_like_graph_def(onnx));
  EXPECT_TRUE(looks_like_onnx(onnx));
  EXPECT_FALSE(looks_like_onnx(*serialize_saved_model(scale_model())));
}

TEST(OpDefs, OutputIndexes) {
  std::vector<OpDef> list{make_op("TwoLists", {make_arg("a"), make_arg("b"), make_arg("c")})};
  list[0].outputs[0].number_attr = "N";
  list[0].outputs[1].type_list_attr = "Tb";
  const OpDefs ops(list, nullptr);
  const NodeDef node =
      make_node("n", "TwoLists", {},
                {{"N", int64_t{2}}, {"Tb", ListAttr{.type = {TfType::kFloat, TfType::kInt32}}}});
  EXPECT_EQ(*ops.output_index(node, "a", 1), 1);
  EXPECT_EQ(*ops.output_index(node, "b", 1), 3);
  EXPECT_EQ(*ops.output_index(node, "c", 0), 4);
  EXPECT_EQ(*ops.num_outputs(node), 5);
  EXPECT_FALSE(ops.output_index(node, "a", 2).ok());
  EXPECT_FALSE(ops.output_index(node, "d", 0).ok());
  EXPECT_EQ(*ops.output_index(make_node("t", "TopKV2"), "indices", 0), 1);
  EXPECT_TRUE(ops.has_side_effects("AssignVariableOp"));
  EXPECT_FALSE(ops.has_side_effects("ReadVariableOp"));
  for (const char* bad : {"", "^", "a:b:c:d", "a:-1", "^a:0", ":1"}) {
    EXPECT_FALSE(parse_ref(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace hone::tf

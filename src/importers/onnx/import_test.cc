// The model around the operators: inputs, names, order, constants, errors.
#include "importers/onnx/import.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/evaluate.h"
#include "graph/verify.h"
#include "importers/onnx/onnx_test_util.h"

namespace hone {
namespace {

using onnx::ModelWriter;
using onnx::TestFolder;
using testing::HasSubstr;
using testing::Not;

Result<Graph> import_bytes(const std::string& bytes) {
  TestFolder folder;
  return import_onnx(folder.write("model.onnx", bytes));
}

// y = Relu(x + b), z = b * 2 of a model with a constant.
ModelWriter small_model() {
  ModelWriter model;
  model.node({"Relu", {"sum"}, {"y"}, {}, "act"});  // before its producer: to be sorted
  model.node({"Add", {"x", "b"}, {"sum"}});
  model.initializer("b", Tensor::from<float>({2}, {1, -2}));
  model.input("x", "N,2").input("b", "2").output("y");
  return model;
}

TEST(OnnxImport, KeepsNamesAndProvenance) {
  auto graph = import_bytes(small_model().bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_TRUE(verify(*graph).ok());
  ASSERT_EQ(graph->inputs().size(), 1u);  // an initializer among the inputs is a constant
  EXPECT_EQ(graph->inputs()[0]->name(), "x");
  EXPECT_EQ(type_text(graph->inputs()[0]->type()), "f32[N,2]");
  EXPECT_EQ(graph->output_names(), std::vector<std::string>{"y"});
  const auto nodes = graph->nodes();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0]->name(), "Add_1");
  EXPECT_EQ(nodes[0]->output()->name(), "sum");
  EXPECT_EQ(nodes[0]->output()->source(), "sum");
  EXPECT_EQ(nodes[1]->sources(), std::vector<std::string>{"act"});
  ASSERT_TRUE(graph->find_value("b"));
  EXPECT_TRUE(graph->find_value("b")->is_constant());

  const Tensor x = Tensor::from<float>({2, 2}, {0, 0, -3, 5});
  auto outputs = evaluate_graph(*graph, std::vector<Tensor>{x});
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ((*outputs)[0], Tensor::from<float>({2, 2}, {1, 0, 0, 3}));
}

TEST(OnnxImport, ReadsDimensions) {
  ModelWriter model;
  model.input("x", "batch,?,-1,2*h+1,0").input("other", "x_1,?").output("y");
  model.node({"Relu", {"x"}, {"y"}});
  auto graph = import_bytes(model.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  // "x_1" is taken by a parameter.
  EXPECT_EQ(shape_text(graph->inputs()[0]->shape()), "[batch,x_1_,x_2,2*h+1,0]");
  EXPECT_EQ(shape_text(graph->inputs()[1]->shape()), "[x_1,other_1]");
}

TEST(OnnxImport, UnknownRankIsAnError) {
  std::string tensor, type, value;
  protozero::pbf_writer(tensor).add_int32(1, 1);
  protozero::pbf_writer(type).add_message(1, tensor);
  protozero::pbf_writer(value).add_string(1, "x");
  protozero::pbf_writer(value).add_message(2, type);
  ModelWriter model;
  model.raw(11, value).node({"Relu", {"x"}, {"y"}}).output("y");
  const Status status = import_bytes(model.bytes()).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("graph input 'x': its rank is not known"));
}

TEST(OnnxImport, ReportsAllProblemsTogether) {
  ModelWriter model;
  model.input("x", "2,3").output("z");
  model.node({"DeformConv", {"x"}, {"a"}, {}, "lstm"});
  model.node({"Elu", {"x"}, {"b"}, {{"beta", 1.0f}}, "elu"});
  model.node({"FusedMatMul", {"x", "x"}, {"c"}, {}, "fused", "com.microsoft"});
  model.node({"If", {"x"}, {"d"}, {}, "branch", "", true});
  model.node({"Concat", {"a", "b"}, {"e"}});  // nothing to say: its inputs have no types
  model.value_info("c", "2,3");
  model.node({"Gelu", {"c"}, {"z"}, {}, "late"});  // after "c", whose type the model tells
  const Status status = import_bytes(model.bytes()).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  const std::string text = status.message();
  EXPECT_THAT(text, HasSubstr("5 operators cannot be imported:"));
  EXPECT_THAT(text, HasSubstr("node 'lstm' (DeformConv): there is no importer"));
  EXPECT_THAT(text, HasSubstr("node 'elu' (Elu): attribute 'beta' is not known"));
  EXPECT_THAT(text, HasSubstr("node 'fused' (com.microsoft.FusedMatMul)"));
  EXPECT_THAT(text, HasSubstr("node 'branch' (If): attribute 'then_branch': sub-graphs"));
  EXPECT_THAT(text, HasSubstr("node 'late' (Gelu): it first appears in opset 20"));
  EXPECT_THAT(text, Not(HasSubstr("Concat")));
  EXPECT_THAT(text, HasSubstr("model.onnx"));
}

TEST(OnnxImport, ErrorsNameTheNode) {
  auto error = [](const ModelWriter& model) { return import_bytes(model.bytes()).status(); };
  ModelWriter missing = small_model(), twice = small_model(), cycle = small_model();
  missing.node({"Relu", {"nowhere"}, {"q"}, {}, "bad"});
  twice.node({"Relu", {"x"}, {"sum"}, {}, "bad"});
  cycle.node({"Add", {"x", "q"}, {"p"}, {}, "bad"}).node({"Relu", {"p"}, {"q"}});
  for (const ModelWriter& model : {missing, twice, cycle}) {
    EXPECT_EQ(error(model).code(), Code::kModel);
    EXPECT_THAT(error(model).message(), HasSubstr("node 'bad'"));
  }
  ModelWriter shapes = small_model();
  shapes.initializer("c", Tensor::from<float>({3}, {1, 2, 3}));
  shapes.node({"Add", {"sum", "c"}, {"q"}, {}, "bad"});
  EXPECT_THAT(error(shapes).message(), HasSubstr("node 'bad' (Add)"));
  ModelWriter types = small_model();
  types.node({"Elu", {"x"}, {"q"}, {{"alpha", int64_t{1}}}, "bad"});
  EXPECT_THAT(error(types).message(), HasSubstr("attribute 'alpha' has type int instead of float"));
  ModelWriter unused = small_model();
  unused.output("nothing");
  EXPECT_THAT(error(unused).message(), HasSubstr("graph output 'nothing'"));
}

TEST(OnnxImport, OpsetsOutOfRange) {
  for (int64_t opset : {6, 99}) {
    ModelWriter model(opset);
    model.input("x", "2").node({"Relu", {"x"}, {"y"}}).output("y");
    const Status status = import_bytes(model.bytes()).status();
    EXPECT_EQ(status.code(), Code::kUnsupported);
    EXPECT_THAT(status.message(), HasSubstr("opsets 7 to 24"));
  }
}

TEST(OnnxImport, UnusedOutputsMayBeMissing) {
  for (bool used : {false, true}) {
    ModelWriter model;
    model.input("x", "1,1,4").output("y");
    model.node({"MaxPool", {"x"}, {"y", "indices"}, {{"kernel_shape", std::vector<int64_t>{2}}}});
    if (used) model.output("indices");
    const Status status = import_bytes(model.bytes()).status();
    EXPECT_EQ(status.ok(), !used) << status.message();
    if (used) {
      EXPECT_THAT(status.message(), HasSubstr("output 1 ('indices') is not supported"));
    }
  }
}

// A TensorProto with dims, a type and one more field.
template <class Add>
std::string typed_tensor(std::vector<int64_t> dims, int type, Add add) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_packed_int64(1, dims.begin(), dims.end());
  out.add_int32(2, type);
  out.add_string(8, "c");
  add(out);
  return bytes;
}

Result<Tensor> import_constant(const std::string& tensor) {
  ModelWriter model;
  model.raw(5, tensor).node({"Identity", {"c"}, {"y"}}).output("y");
  HONE_ASSIGN_OR_RETURN(Graph graph, import_bytes(model.bytes()));
  HONE_ASSIGN_OR_RETURN(auto outputs, evaluate_graph(graph, {}));
  return outputs[0];
}

TEST(OnnxTensor, TypedFields) {
  const std::vector<float> floats = {1.5f, -2};
  const std::vector<int32_t> ints = {1, -2};
  const std::vector<int64_t> longs = {INT64_MIN, 7};
  const std::vector<double> doubles = {0.25, -3};
  const std::vector<uint64_t> unsigneds = {UINT64_MAX, 1};
  const std::vector<int32_t> halves = {0x3c00, 0xc000};  // 1, -2
  auto read = [](int type, auto add) {
    return import_constant(typed_tensor({2}, type, add)).value();
  };
  auto int32s = [&](auto& out) { out.add_packed_int32(5, ints.begin(), ints.end()); };
  auto uint64s = [&](auto& out) { out.add_packed_uint64(11, unsigneds.begin(), unsigneds.end()); };
  EXPECT_EQ(read(1, [&](auto& out) { out.add_packed_float(4, floats.begin(), floats.end()); }),
            Tensor::from<float>({2}, floats));
  EXPECT_EQ(read(11, [&](auto& out) { out.add_packed_double(10, doubles.begin(), doubles.end()); }),
            Tensor::from<double>({2}, doubles));
  EXPECT_EQ(read(7, [&](auto& out) { out.add_packed_int64(7, longs.begin(), longs.end()); }),
            Tensor::from<int64_t>({2}, longs));
  EXPECT_EQ(read(6, int32s), Tensor::from<int32_t>({2}, {1, -2}));
  EXPECT_EQ(read(3, int32s), Tensor::from<int8_t>({2}, {1, -2}));
  EXPECT_EQ(read(5, int32s), Tensor::from<int16_t>({2}, {1, -2}));
  EXPECT_EQ(read(2, int32s), Tensor::from<uint8_t>({2}, {1, 254}));
  EXPECT_EQ(read(9, int32s), Tensor::from<bool>({2}, {true, true}));
  EXPECT_EQ(read(13, uint64s), Tensor::from<uint64_t>({2}, unsigneds));
  EXPECT_EQ(read(12, uint64s), Tensor::from<uint32_t>({2}, {UINT32_MAX, 1}));
  auto bits = [&](auto& out) { out.add_packed_int32(5, halves.begin(), halves.end()); };
  EXPECT_EQ(read(10, bits), Tensor::from<Float16>({2}, {Float16(1), Float16(-2)}));
  auto unpacked = [&](auto& out) {
    for (float f : floats) out.add_float(4, f);
  };
  EXPECT_EQ(read(1, unpacked), Tensor::from<float>({2}, floats));
  auto raw_bools = [&](auto& out) { out.add_bytes(9, std::string("\x00\x05", 2)); };
  EXPECT_EQ(read(9, raw_bools), Tensor::from<bool>({2}, {false, true}));
}

TEST(OnnxTensor, WrongSizesAreErrors) {
  const std::vector<float> floats = {1, 2};
  auto two = [&](auto& out) { out.add_packed_float(4, floats.begin(), floats.end()); };
  auto raw = [](auto& out) { out.add_bytes(9, std::string(7, 'x')); };
  for (std::vector<int64_t> dims : std::vector<std::vector<int64_t>>{
           {3}, {1}, {-2}, {}, {int64_t{1} << 40}, {int64_t{1} << 40, int64_t{1} << 40}}) {
    EXPECT_FALSE(import_constant(typed_tensor(dims, 1, two)).ok()) << shape_text(dims);
    EXPECT_FALSE(import_constant(typed_tensor(dims, 1, raw)).ok()) << shape_text(dims);
  }
  EXPECT_THAT(import_constant(typed_tensor({2}, 17, raw)).status().message(),
              HasSubstr("FLOAT8E4M3FN (17)"));
  EXPECT_THAT(import_constant(typed_tensor({2}, 17, raw)).status().message(), HasSubstr("'c'"));
}

struct External {
  const char* location;
  const char* offset;
  const char* length;
  const char* error;  // null: fine
};

TEST(OnnxTensor, ExternalData) {
  TestFolder folder;
  const float data[] = {0, 1, 2, 3};
  folder.write("weights.bin", {reinterpret_cast<const char*>(data), sizeof(data)});
  const External cases[] = {
      {"weights.bin", "4", "8", nullptr},
      {"./weights.bin", "4", nullptr, nullptr},
      {"weights.bin", "4", "12", "needs 8"},
      {"weights.bin", "12", "8", "outside of"},
      {"weights.bin", "100", nullptr, "outside of"},
      {"weights.bin", "-4", "8", "the number '-4'"},
      {"none.bin", nullptr, nullptr, "none.bin"},
      {"../weights.bin", "4", "8", "within the folder"},
      {"/etc/hostname", nullptr, nullptr, "within the folder"},
      {"", nullptr, nullptr, "within the folder"},
  };
  for (const External& c : cases) {
    auto add = [&](protozero::pbf_writer& out) {
      const std::pair<const char*, const char*> entries[] = {
          {"location", c.location}, {"offset", c.offset}, {"length", c.length}};
      for (const auto& [key, value] : entries) {
        if (!value) continue;
        std::string entry;
        protozero::pbf_writer(entry).add_string(1, key);
        protozero::pbf_writer(entry).add_string(2, value);
        out.add_message(13, entry);
      }
      out.add_int32(14, 1);
    };
    ModelWriter model;
    model.raw(5, typed_tensor({2}, 1, add)).node({"Identity", {"c"}, {"y"}}).output("y");
    auto graph = import_onnx(folder.write("model.onnx", model.bytes()));
    ASSERT_EQ(graph.ok(), c.error == nullptr) << c.location << " " << graph.status().message();
    if (c.error) {
      EXPECT_THAT(graph.status().message(), HasSubstr(c.error));
    } else {
      EXPECT_EQ(*graph->find_value("c")->constant(), Tensor::from<float>({2}, {1, 2}));
    }
  }
}

TEST(OnnxImport, LooksLikeOnnx) {
  const std::string model = small_model().bytes();
  EXPECT_TRUE(looks_like_onnx(model));
  EXPECT_TRUE(looks_like_onnx(model.substr(0, 16)));
  EXPECT_FALSE(looks_like_onnx(""));
  EXPECT_FALSE(looks_like_onnx(std::string("\x08\x01\x12\x10", 4)));  // SavedModel
  EXPECT_FALSE(looks_like_onnx(std::string("\x0a\x10\x0a\x02", 4)));  // GraphDef
  EXPECT_FALSE(looks_like_onnx("HONE plan"));
}

TEST(OnnxImport, OpsAreListed) {
  const auto ops = onnx_ops();
  EXPECT_GT(ops.size(), 100u);
  EXPECT_TRUE(std::any_of(ops.begin(), ops.end(), [](const auto& o) { return o.op == "Conv"; }));
}

// Damaged files: an error or a sound graph.
void check_damaged(TestFolder& folder, const std::string& bytes, const std::string& what) {
  auto graph = import_onnx(folder.write("damaged.onnx", bytes));
  if (!graph.ok()) return;
  const Status status = verify(*graph);
  EXPECT_TRUE(status.ok()) << what << ": " << status.message();
}

TEST(OnnxImport, DamagedFiles) {
  TestFolder folder;
  ModelWriter model = small_model();
  model.initializer("axes", Tensor::from<int64_t>({1}, {1}));
  model.node({"Unsqueeze", {"y", "axes"}, {"u"}}).output("u");
  model.node({"Split", {"x"}, {"s", "t"}, {{"axis", int64_t{-1}}}}).output("t");
  model.node({"Constant", {}, {"k"}, {{"value", Tensor::from<float>({1}, {2})}}});
  const std::string bytes = model.bytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    check_damaged(folder, bytes.substr(0, i), fmt::format("cut at {}", i));
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      check_damaged(folder, flipped, fmt::format("byte {} bit {}", i, bit));
    }
  }
}

}  // namespace
}  // namespace hone

// Damaged attributes, constants and inputs of every operator: errors, never crashes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "importers/tensorflow/import_test_util.h"
#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

using testing::HasSubstr;

// Every kind of attribute value, sane and not.
std::vector<AttrValue> odd_values() {
  const int64_t huge = std::numeric_limits<int64_t>::max(),
                low = std::numeric_limits<int64_t>::min();
  std::vector<AttrValue> values = {AttrValue(),
                                   std::string("SAME"),
                                   std::string("EXPLICIT"),
                                   std::string("NCHW"),
                                   std::string("\xff\x00", 2),
                                   1.5f,
                                   true,
                                   TfType::kFloat,
                                   TfType::kVariant,
                                   TfType{-7},
                                   FuncAttr{"f", {}},
                                   PlaceholderAttr{"T"},
                                   RawAttr{"xx"},
                                   ShapeProto{true, {}},
                                   ShapeProto{false, {huge, huge}},
                                   ListAttr{},
                                   TensorProto(Tensor::scalar<float>(1))};
  for (int64_t number : {int64_t{-1}, int64_t{0}, int64_t{3}, huge, low}) {
    values.emplace_back(number);
    for (size_t length : {1, 4, 5, 8}) {
      values.emplace_back(int_list(std::vector<int64_t>(length, number)));
    }
    values.emplace_back(int_list({1, number, number, 1}));
  }
  return values;
}

std::vector<Tensor> odd_constants() {
  const int64_t huge = std::numeric_limits<int64_t>::max(),
                low = std::numeric_limits<int64_t>::min();
  std::vector<Tensor> tensors = {Tensor::scalar<float>(NAN), Tensor::strings({1}, {"s"}),
                                 Tensor::scalar<bool>(true), floats({0, 3}, {}),
                                 floats({1, 1, 2, 1}, {1, 2})};
  for (int64_t number : {int64_t{-1}, int64_t{0}, int64_t{3}, huge, low}) {
    tensors.push_back(Tensor::scalar<int64_t>(number));
    for (int64_t length : {2, 4}) {
      tensors.push_back(Tensor::from<int64_t>({length}, std::vector<int64_t>(length, number)));
    }
    tensors.push_back(Tensor::from<int64_t>({4, 2}, std::vector<int64_t>(8, number)));
  }
  return tensors;
}

constexpr const char* kAttributes[] = {"T",
                                       "DstT",
                                       "out_type",
                                       "output_type",
                                       "strides",
                                       "dilations",
                                       "padding",
                                       "explicit_paddings",
                                       "data_format",
                                       "ksize",
                                       "epsilon",
                                       "is_training",
                                       "keep_dims",
                                       "squeeze_dims",
                                       "begin_mask",
                                       "end_mask",
                                       "ellipsis_mask",
                                       "new_axis_mask",
                                       "shrink_axis_mask",
                                       "axis",
                                       "num",
                                       "num_split",
                                       "batch_dims",
                                       "mode",
                                       "alpha",
                                       "transpose_a",
                                       "adj_x",
                                       "block_size",
                                       "align_corners",
                                       "half_pixel_centers",
                                       "tolerance",
                                       "shape",
                                       "Truncate"};

AttrMap sane_attributes() {
  return {{"strides", int_list({1, 1, 1, 1})},
          {"padding", std::string("VALID")},
          {"ksize", int_list({1, 1, 1, 1})},
          {"is_training", false},
          {"DstT", TfType::kInt32},
          {"num_split", int64_t{1}},
          {"num", int64_t{4}},
          {"block_size", int64_t{2}},
          {"shape", ShapeProto{true, {}}}};
}

// Nodes with one, two and three inputs; x and w are added with the first.
void add_uses(GraphMaker& maker, const std::string& op, const AttrMap& attrs, size_t number) {
  if (number == 0) {
    maker.input("x", DataType::f32, {-1, 4, 4, 4});
    maker.constant("w", Tensor::zeros(DataType::f32, {1, 1, 4, 4})).ints("one", {1});
    maker.constant("v", Tensor::zeros(DataType::f32, {4}));
  }
  const std::vector<std::string> inputs[] = {{"x"},
                                             {"x", "w"},
                                             {"x", "one"},
                                             {"x", "one", "one", "one"},
                                             {"one", "x"},
                                             {"one", "w", "x"},
                                             {"x", "v", "v", "v", "v"}};
  for (size_t i = 0; i < std::size(inputs); ++i) {
    maker.node(fmt::format("y{}_{}", number, i), op, inputs[i], attrs);
  }
}

// No crash, no hang, no error of ours: what is wrong in a file is the file's fault.
void expect_handled(const GraphMaker& maker, const std::string& what) {
  const auto frozen = freeze_graph_def(maker.graph(), "damaged");
  if (!frozen.ok()) return;
  const auto graph = import_frozen_graph(*frozen, "damaged");
  if (graph.ok()) {
    const Status verified = verify(*graph);
    EXPECT_TRUE(verified.ok()) << what << ": " << verified.message();
  } else {
    EXPECT_EQ(graph.status().code(), Code::kUnsupported) << what;
    EXPECT_THAT(graph.status().message(), HasSubstr("cannot be imported")) << what;
  }
}

// Whether the importer of `op` looks at the attribute: it complains about one of an odd kind.
bool reads(const OpImporter& op, const char* name) {
  std::string reasons[2];
  for (const bool odd : {false, true}) {
    GraphMaker maker;
    AttrMap attrs = sane_attributes();
    if (odd) attrs[name] = PlaceholderAttr{"odd"};
    add_uses(maker, op.op, attrs, 0);
    const auto frozen = freeze_graph_def(maker.graph(), "damaged");
    if (!frozen.ok()) return true;
    for (const NodeVerdict& verdict : analyze(*frozen, {}, {}).verdicts) {
      reasons[odd] += verdict.reason + "\n";
    }
  }
  return reasons[0] != reasons[1];
}

TEST(TfDamage, OddAttributes) {
  const auto values = odd_values();
  int tried = 0;
  for (const OpImporter& op : all_importers()) {
    for (const char* name : kAttributes) {
      if (!reads(op, name)) continue;
      ++tried;
      GraphMaker maker;
      for (size_t i = 0; i < values.size(); ++i) {
        AttrMap attrs = sane_attributes();
        attrs[name] = values[i];
        add_uses(maker, op.op, attrs, i);
      }
      expect_handled(maker, fmt::format("{} {}", op.op, name));
    }
  }
  EXPECT_GT(tried, 60);  // 77 when this was written
}

TEST(TfDamage, OddConstantsAndInputCounts) {
  const auto tensors = odd_constants();
  for (const OpImporter& op : all_importers()) {
    GraphMaker maker;
    maker.input("x", DataType::f32, {-1, 4, 4, 4}).node("none", op.op, {}, sane_attributes());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const std::string c = fmt::format("c{}", i);
      maker.constant(c, tensors[i]);
      const std::vector<std::string> inputs[] = {{c},         {c, "x"},       {"x", c},
                                                 {"x", c, c}, {c, "x", "x"},  {"x", "x", c},
                                                 {c, c, "x"}, {"x", c, c, c}, {c, c, c, c, c}};
      for (size_t k = 0; k < std::size(inputs); ++k) {
        maker.node(fmt::format("y{}_{}", i, k), op.op, inputs[k], sane_attributes());
      }
    }
    expect_handled(maker, op.op);
  }
}

TEST(TfDamage, OddInputTypes) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  for (const OpImporter& op : all_importers()) {
    for (const auto& shape : std::vector<std::vector<int64_t>>{
             {}, {0}, {huge}, {huge, huge, huge, huge}, {-1, -1, -1, -1}, {1, 1, 1, 1, 1, 1}}) {
      for (DataType dtype : {DataType::f32, DataType::boolean, DataType::u8, DataType::u64}) {
        GraphMaker maker;
        maker.input("x", dtype, shape);
        for (size_t n = 1; n <= 5; ++n) {
          maker.node(fmt::format("y{}", n), op.op, std::vector<std::string>(n, "x"),
                     sane_attributes());
        }
        expect_handled(maker, op.op);
      }
    }
  }
}

}  // namespace
}  // namespace hone::tf

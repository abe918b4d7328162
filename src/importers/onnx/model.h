// An ONNX model as plain data, decoded but not interpreted. Texts and tensors are views of the
// file's bytes and live as long as these.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "importers/onnx/proto.h"

namespace hone::onnx {

// The bytes of a TensorProto; see tensor.h.
using TensorBytes = std::string_view;

// AttributeProto. `type` is AttributeProto.AttributeType, or 0 in files that leave it out.
enum AttributeType { kFloat = 1, kInt = 2, kString = 3, kTensor = 4, kGraph = 5 };
enum { kFloats = 6, kInts = 7, kStrings = 8, kTensors = 9, kGraphs = 10, kSparseTensor = 11 };
struct AttributeData {
  std::string_view name;
  int type = 0;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  TensorBytes t;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  bool is_reference = false;  // to an attribute of the function around the node
};

struct NodeData {
  std::string_view name, op_type, domain;
  std::vector<std::string_view> inputs, outputs;  // "" = absent
  std::vector<AttributeData> attributes;
};

// One dimension of a type: a value, a parameter, or neither.
struct DimData {
  std::optional<int64_t> value;
  std::string_view parameter;
};

struct ValueData {
  std::string_view name;
  bool is_tensor = false;
  int elem_type = 0;
  std::optional<std::vector<DimData>> shape;  // nothing: the rank is not known
};

struct InitializerData {
  std::string_view name;
  TensorBytes tensor;
};

struct ModelData {
  int64_t ir_version = 0;
  std::optional<int64_t> opset;  // of the default domain
  bool has_graph = false;
  std::string_view graph_name;
  std::vector<NodeData> nodes;
  std::vector<InitializerData> initializers;
  std::vector<ValueData> inputs, outputs, value_infos;
  std::vector<std::string_view> sparse_initializers;  // their names
};

inline constexpr size_t kMaxRank = 64;

// "" and "ai.onnx" both name the default domain.
inline bool is_default_domain(std::string_view domain) {
  return domain.empty() || domain == "ai.onnx";
}

// Throws protozero::exception and ImportError.
ModelData decode_model(std::string_view bytes);

}  // namespace hone::onnx

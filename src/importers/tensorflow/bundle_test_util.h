// Tests only: writes tensor bundles and SavedModels, so that reading them needs no TensorFlow.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/tensor.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"

namespace hone::tf {

// A folder that goes away with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hone_test_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void append_varint(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}
inline void append_u32(std::string* out, uint32_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Appends a block of entries with its trailer; returns its handle.
inline std::string append_block(const std::map<std::string, std::string>& entries,
                                std::string* file, char compression = 0) {
  std::string block, last;
  for (const auto& [key, value] : entries) {
    size_t shared = 0;
    while (shared < last.size() && shared < key.size() && last[shared] == key[shared]) ++shared;
    append_varint(&block, shared);
    append_varint(&block, key.size() - shared);
    append_varint(&block, value.size());
    block += key.substr(shared) + value;
    last = key;
  }
  append_u32(&block, 0);  // one restart, at byte 0
  append_u32(&block, 1);
  std::string handle;
  append_varint(&handle, file->size());
  append_varint(&handle, block.size());
  block.push_back(compression);
  append_u32(&block, crc32c_mask(crc32c(block.data(), block.size())));
  *file += block;
  return handle;
}

inline std::string make_table(const std::map<std::string, std::string>& entries,
                              char compression = 0) {
  std::string file;
  const std::string data = append_block(entries, &file, compression);
  const std::string metaindex = append_block({}, &file);
  const std::string index =
      append_block({{entries.empty() ? "" : entries.rbegin()->first, data}}, &file);
  std::string footer = metaindex + index;
  footer.resize(40);
  const uint64_t magic = 0xdb4775248b80fb57u;
  footer.append(reinterpret_cast<const char*>(&magic), sizeof magic);
  return file + footer;
}

// Writes PREFIX.index and PREFIX.data-00000-of-00001.
inline void write_bundle(const std::string& prefix, const std::map<std::string, Tensor>& tensors) {
  std::string data;
  std::string header;
  protozero::pbf_writer(header).add_int32(1, 1);
  std::map<std::string, std::string> entries{{"", header}};
  for (const auto& [key, tensor] : tensors) {
    const size_t offset = data.size();
    uint32_t crc = 0;
    if (tensor.is_string()) {
      std::string bytes;
      for (const std::string& value : tensor.string_values()) {
        append_varint(&data, value.size());
        const auto length = static_cast<uint32_t>(value.size());
        crc = crc32c(&length, sizeof length, crc);
        bytes += value;
      }
      std::string masked;
      append_u32(&masked, crc32c_mask(crc));
      data += masked + bytes;
      crc = crc32c(bytes.data(), bytes.size(), crc32c(masked.data(), masked.size(), crc));
    } else {
      data.append(static_cast<const char*>(tensor.raw()), tensor.bytes());
      crc = crc32c(tensor.raw(), tensor.bytes());
    }
    std::string& entry = entries[key];
    protozero::pbf_writer out(entry);
    out.add_enum(1, static_cast<int32_t>(to_tf(tensor.dtype())));
    write_shape(protozero::pbf_writer(out, 2), ShapeProto{false, tensor.shape()});
    if (offset != 0) out.add_int64(4, static_cast<int64_t>(offset));
    out.add_int64(5, static_cast<int64_t>(data.size() - offset));
    out.add_fixed32(6, crc32c_mask(crc));
  }
  ASSERT_TRUE(write_file_atomically(prefix + ".index", make_table(entries)).ok());
  ASSERT_TRUE(write_file_atomically(prefix + ".data-00000-of-00001", data).ok());
}

inline NodeDef make_node(std::string name, std::string op, std::vector<std::string> inputs = {},
                         AttrMap attrs = {}) {
  NodeDef node;
  node.name = std::move(name);
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  return node;
}

inline NodeDef make_const(std::string name, Tensor tensor) {
  const TfType type = to_tf(tensor.dtype());
  return make_node(std::move(name), "Const", {},
                   {{"dtype", type}, {"value", TensorProto(std::move(tensor))}});
}

inline ArgDef make_arg(std::string name, TfType type = TfType::kFloat) {
  ArgDef arg;
  arg.name = std::move(name);
  arg.type = type;
  return arg;
}

inline OpDef make_op(std::string name, std::vector<ArgDef> outputs, bool is_stateful = false) {
  OpDef op;
  op.name = std::move(name);
  op.outputs = std::move(outputs);
  op.is_stateful = is_stateful;
  return op;
}

inline FunctionDef make_function(std::string name, std::vector<ArgDef> inputs,
                                 std::vector<ArgDef> outputs, std::vector<NodeDef> nodes,
                                 std::map<std::string, std::string, std::less<>> ret) {
  FunctionDef function;
  function.signature.name = std::move(name);
  function.signature.inputs = std::move(inputs);
  function.signature.outputs = std::move(outputs);
  function.nodes = std::move(nodes);
  function.ret = std::move(ret);
  return function;
}

// y = relu(x * w) in a called function, w = {2, 3, 4} restored from key "w/value".
inline MetaGraph scale_model() {
  MetaGraph meta;
  meta.tags = {"serve"};
  meta.tensorflow_version = "2.21.0";
  meta.op_defs = {make_op("Mul", {make_arg("z")}),
                  make_op("Relu", {make_arg("activations")}),
                  make_op("ReadVariableOp", {make_arg("value")}, true),
                  make_op("VarHandleOp", {make_arg("resource", TfType::kResource)}, true),
                  make_op("RestoreV2", {make_arg("tensors")}, true),
                  make_op("AssignVariableOp", {}, true),
                  make_op("Identity", {make_arg("output")})};
  meta.op_defs[4].outputs[0].type_list_attr = "dtypes";
  const ArgDef resource = make_arg("w", TfType::kResource);
  GraphDef& graph = meta.graph;
  graph.versions.producer = 1087;
  const ShapeProto shape{false, {3}};
  graph.nodes = {
      make_node("w", "VarHandleOp", {}, {{"dtype", TfType::kFloat}, {"shape", shape}}),
      make_node("x", "Placeholder", {}, {{"dtype", TfType::kFloat}, {"shape", shape}}),
      make_node("call", "StatefulPartitionedCall", {"x", "w"}, {{"f", FuncAttr{"net", {}}}}),
      make_node("out", "Identity", {"call"}, {{"T", TfType::kFloat}}),
      make_const("filename", Tensor::scalar<std::string>("model")),
      make_node("restore", "StatefulPartitionedCall", {"filename", "w"},
                {{"f", FuncAttr{"restore_fn", {}}}}),
  };
  graph.library.functions = {
      make_function("net", {make_arg("x"), resource}, {make_arg("y")},
                    {make_node("relu", "Relu", {"mul:z:0"}, {{"T", TfType::kFloat}}),
                     make_node("mul", "Mul", {"x", "read:value:0"}, {{"T", TfType::kFloat}}),
                     make_node("read", "ReadVariableOp", {"w"}, {{"dtype", TfType::kFloat}})},
                    {{"y", "relu:activations:0"}}),
      make_function("restore_fn", {make_arg("file", TfType::kString), resource}, {},
                    {make_const("names", Tensor::from<std::string>({2}, {"other", "w/value"})),
                     make_node("restore", "RestoreV2", {"file", "names:output:0", "names:output:0"},
                               {{"dtypes", ListAttr{.type = {TfType::kFloat, TfType::kFloat}}}}),
                     make_node("id", "Identity", {"restore:tensors:1"}, {{"T", TfType::kFloat}}),
                     make_node("assign", "AssignVariableOp", {"w", "id:output:0"})},
                    {}),
  };
  meta.restore_op_name = "restore";
  meta.filename_tensor_name = "filename:0";
  SignatureDef& signature = meta.signatures["serving_default"];
  signature.inputs["x"] = TensorSpec{"x:0", TfType::kFloat, shape, false};
  signature.outputs["y"] = TensorSpec{"out:0", TfType::kFloat, shape, false};
  return meta;
}

inline void write_saved_model(const TempFolder& folder, const MetaGraph& meta,
                              const std::map<std::string, Tensor>& variables) {
  const auto bytes = serialize_saved_model(meta);
  ASSERT_TRUE(bytes.ok());
  ASSERT_TRUE(write_file_atomically(folder.file("saved_model.pb"), *bytes).ok());
  std::filesystem::create_directories(folder.file("variables"));
  write_bundle(folder.file("variables/variables"), variables);
}

}  // namespace hone::tf

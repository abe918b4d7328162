// Writes small ONNX models for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.h"
#include "base/tensor.h"
#include "base/text.h"

namespace hone::onnx {

// TensorProto.DataType of a dtype.
inline int elem_type(DataType dtype) {
  switch (dtype) {
    case DataType::f32:
      return 1;
    case DataType::u8:
      return 2;
    case DataType::i8:
      return 3;
    case DataType::i32:
      return 6;
    case DataType::i64:
      return 7;
    case DataType::boolean:
      return 9;
    case DataType::f16:
      return 10;
    case DataType::f64:
      return 11;
    default:
      HONE_CHECK(false);
      return 0;
  }
}

// A TensorProto with raw data.
inline std::string tensor_proto(const Tensor& tensor, const std::string& name = "") {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_packed_int64(1, tensor.shape().begin(), tensor.shape().end());
  out.add_int32(2, elem_type(tensor.dtype()));
  if (!name.empty()) out.add_string(8, name);
  out.add_bytes(9, static_cast<const char*>(tensor.raw()), tensor.bytes());
  return bytes;
}

using TestAttribute = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                                   std::vector<float>, Tensor, std::vector<std::string>>;

struct TestNode {
  std::string op;
  std::vector<std::string> inputs, outputs;
  std::vector<std::pair<std::string, TestAttribute>> attributes = {};
  std::string name = "";
  std::string domain = "";
  bool has_subgraph = false;
};

inline std::string attribute_proto(const std::string& name, const TestAttribute& value) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(1, name);
  if (const auto* i = std::get_if<int64_t>(&value)) out.add_int64(3, *i);
  if (const auto* f = std::get_if<float>(&value)) out.add_float(2, *f);
  if (const auto* s = std::get_if<std::string>(&value)) out.add_string(4, *s);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    for (int64_t i : *list) out.add_int64(8, i);
  }
  if (const auto* list = std::get_if<std::vector<float>>(&value)) {
    out.add_packed_float(7, list->begin(), list->end());
  }
  if (const auto* tensor = std::get_if<Tensor>(&value)) out.add_message(5, tensor_proto(*tensor));
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& text : *list) out.add_string(9, text);
  }
  constexpr int kTypes[] = {2, 1, 3, 7, 6, 4, 8};
  out.add_int32(20, kTypes[value.index()]);
  return bytes;
}

inline std::string node_proto(const TestNode& node) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const std::string& input : node.inputs) out.add_string(1, input);
  for (const std::string& output : node.outputs) out.add_string(2, output);
  if (!node.name.empty()) out.add_string(3, node.name);
  out.add_string(4, node.op);
  for (const auto& [name, value] : node.attributes) {
    out.add_message(5, attribute_proto(name, value));
  }
  if (node.has_subgraph) {
    std::string branch;
    protozero::pbf_writer attribute(branch);
    attribute.add_string(1, "then_branch");
    attribute.add_message(6, std::string());
    attribute.add_int32(20, 5);
    out.add_message(5, branch);
  }
  if (!node.domain.empty()) out.add_string(7, node.domain);
  return bytes;
}

// A ValueInfoProto; dims as "N,3,?": numbers, parameters, unknown. Without dims: rank 0.
inline std::string value_proto(const std::string& name, int type, const std::string& dims) {
  std::string shape, tensor, type_proto, bytes;
  protozero::pbf_writer shape_out(shape);
  if (!dims.empty()) {
    for (std::string_view dim : split(dims, ',')) {
      std::string entry;
      protozero::pbf_writer entry_out(entry);
      if (const auto number = parse_int64(dim)) {
        entry_out.add_int64(1, *number);
      } else if (dim != "?") {
        entry_out.add_string(2, std::string(dim));
      }
      shape_out.add_message(1, entry);
    }
  }
  protozero::pbf_writer tensor_out(tensor);
  tensor_out.add_int32(1, type);
  tensor_out.add_message(2, shape);
  protozero::pbf_writer(type_proto).add_message(1, tensor);
  protozero::pbf_writer out(bytes);
  out.add_string(1, name);
  out.add_message(2, type_proto);
  return bytes;
}

class ModelWriter {
 public:
  explicit ModelWriter(int64_t opset = 17) : opset_(opset) {}

  ModelWriter& node(TestNode node) { return raw(1, node_proto(node)); }
  ModelWriter& initializer(const std::string& name, const Tensor& tensor) {
    return raw(5, tensor_proto(tensor, name));
  }
  ModelWriter& input(const std::string& name, const std::string& dims,
                     DataType dtype = DataType::f32) {
    return raw(11, value_proto(name, elem_type(dtype), dims));
  }
  ModelWriter& output(const std::string& name) { return raw(12, value_proto(name, 1, "")); }
  ModelWriter& value_info(const std::string& name, const std::string& dims) {
    return raw(13, value_proto(name, 1, dims));
  }
  // Any field of the GraphProto.
  ModelWriter& raw(uint32_t field, const std::string& bytes) {
    protozero::pbf_writer(graph_).add_message(field, bytes);
    return *this;
  }
  std::string bytes() const {
    std::string opset, bytes;
    protozero::pbf_writer(opset).add_int64(2, opset_);
    protozero::pbf_writer out(bytes);
    out.add_int64(1, 8);
    out.add_string(2, "hone test");
    out.add_message(7, graph_);
    out.add_message(8, opset);
    return bytes;
  }

 private:
  int64_t opset_;
  std::string graph_;
};

// A folder that vanishes with its files.
class TestFolder {
 public:
  TestFolder() {
    path_ = testing::TempDir() + "hone_onnx_XXXXXX";
    HONE_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TestFolder() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  // A new file under the name, so that one that is mapped stays as it is. No flush to the disk:
  // tests write thousands.
  std::string write(const std::string& name, std::string_view bytes) {
    files_.push_back(join_path(path_, name));
    unlink(files_.back().c_str());
    std::FILE* file = std::fopen(files_.back().c_str(), "wb");
    HONE_CHECK(file != nullptr);
    HONE_CHECK(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    HONE_CHECK(std::fclose(file) == 0);
    return files_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

}  // namespace hone::onnx

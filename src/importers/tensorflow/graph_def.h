// TensorFlow's graph messages as plain structs: what a GraphDef, its functions and a SavedModel's
// meta graph contain, read from and written to protobuf wire format without TensorFlow.
//
// Unknown fields are not kept, except inside attributes that were not understood (RawAttr) and
// constant tensors, which stay in wire form until asked for. All readers accept foreign bytes: they
// return a Status with file, place and cause, never throw or crash, and decode into memory bounded
// by the size of the input (proto.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/tensor.h"
#include "hone/status.h"
#include "hone/types.h"

namespace hone::tf {

// DataType numbers of TensorFlow. Numbers without a name here are kept as they are; reference types
// are the type plus 100.
enum class TfType : int32_t {
  kInvalid = 0,
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kComplex64 = 8,
  kInt64 = 9,
  kBool = 10,
  kQint8 = 11,
  kQuint8 = 12,
  kQint32 = 13,
  kBfloat16 = 14,
  kQint16 = 15,
  kQuint16 = 16,
  kUint16 = 17,
  kComplex128 = 18,
  kHalf = 19,
  kResource = 20,
  kVariant = 21,
  kUint32 = 22,
  kUint64 = 23,
};
// Hone's type, or nothing for those it lacks (complex, quantized, resource, variant, references
// ...).
std::optional<DataType> to_hone(TfType type);
TfType to_tf(DataType type);
std::string type_name(TfType type);  // "float32", "resource", "float32_ref", "type 27"

// A tensor shape. Unknown dimensions are -1.
struct ShapeProto {
  bool unknown_rank = false;
  std::vector<int64_t> dims;
  bool operator==(const ShapeProto&) const = default;
};
std::string to_string(const ShapeProto& shape);  // "[-1, 224, 224, 3]", "unknown rank"

class Decoder;

// A constant. Cheap to copy (shared), immutable, thread-safe. Stays in wire form until `tensor()`.
class TensorProto {
 public:
  TensorProto() = default;  // no tensor: dtype kInvalid
  explicit TensorProto(Tensor tensor);
  // `wire` is a serialized TensorProto. Throws as proto.h says; for the readers of this folder.
  static TensorProto from_wire(Decoder& decoder, std::string_view wire);

  TfType dtype() const;
  const ShapeProto& shape() const;  // of a constant: fully known, or tensor() fails
  // The value. `tensor_content` and what Hone wrote itself is not copied: the Tensor keeps the file
  // mapped. Other forms are expanded once, within the file's expansion budget. kUnsupported for
  // types Hone lacks, kModel for inconsistent sizes.
  Result<Tensor> tensor() const;
  // Wire form.
  void append_to(std::string* out) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct AttrValue;
using AttrMap = std::map<std::string, AttrValue, std::less<>>;

// A function name with attributes: the value of attributes like `f`, `body`, `then_branch`.
struct FuncAttr {
  std::string name;
  std::vector<std::pair<std::string, AttrValue>> attrs;  // sorted by name
};
struct ListAttr {
  std::vector<std::string> s;
  std::vector<int64_t> i;
  std::vector<float> f;
  std::vector<uint8_t> b;
  std::vector<TfType> type;
  std::vector<ShapeProto> shape;
  std::vector<TensorProto> tensor;
  std::vector<FuncAttr> func;
};
struct PlaceholderAttr {  // "$T" inside a function body that was not instantiated
  std::string name;
};
struct RawAttr {  // an AttrValue of a kind not known here, in wire form
  std::string bytes;
};

struct AttrValue {
  std::variant<std::monostate, std::string, int64_t, float, bool, TfType, ShapeProto, TensorProto,
               ListAttr, FuncAttr, PlaceholderAttr, RawAttr>
      value;

  AttrValue() = default;
  template <class T>
  AttrValue(T v) : value(std::move(v)) {}  // NOLINT(google-explicit-constructor)
  // nullptr when the attribute is of another kind.
  template <class T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
};

struct NodeDef {
  std::string name, op;
  // In a GraphDef "node" (output 0), "node:1", and last "^node" (control). In a function body
  // "arg", "node:output_arg:0", "^node".
  std::vector<std::string> inputs;
  std::string device;
  AttrMap attrs;

  // nullptr when absent or of another kind. T: one of AttrValue's alternatives.
  template <class T>
  const T* attr(std::string_view key) const {
    const auto it = attrs.find(key);
    return it == attrs.end() ? nullptr : it->second.template get<T>();
  }
  // The value, or `fallback` when absent; kModel when it is of another kind.
  template <class T>
  Result<T> attr_or(std::string_view key, T fallback) const {
    if (attrs.find(key) == attrs.end()) return fallback;
    return required_attr<T>(key);
  }
  // The value; kModel when absent or of another kind.
  template <class T>
  Result<T> required_attr(std::string_view key) const {
    if (const T* value = attr<T>(key)) return *value;
    return bad_attr(key);
  }
  Status bad_attr(std::string_view key) const;
};

struct ArgDef {
  std::string name;
  TfType type = TfType::kInvalid;
  std::string type_attr, number_attr, type_list_attr;
  std::vector<std::string> handle_data;  // wire form
  bool is_ref = false;
};
struct AttrDef {
  std::string name, type;
  std::optional<AttrValue> default_value;
};
struct OpDef {
  std::string name;
  std::vector<ArgDef> inputs, outputs;
  std::vector<AttrDef> attrs;
  std::vector<std::string> control_outputs;
  bool is_stateful = false;
};

struct FunctionDef {
  OpDef signature;
  std::vector<NodeDef> nodes;
  std::map<std::string, std::string, std::less<>> ret;          // output arg -> tensor in the body
  std::map<std::string, std::string, std::less<>> control_ret;  // control output -> node
  AttrMap attrs;
  std::map<uint32_t, AttrMap> arg_attrs;  // argument index -> attributes
  std::map<uint32_t, uint32_t> resource_arg_unique_ids;
};

struct FunctionLibrary {
  std::vector<FunctionDef> functions;
  std::vector<std::pair<std::string, std::string>> gradients;  // function, its gradient function
  const FunctionDef* find(std::string_view name) const;        // linear; see FunctionIndex for many
};

struct Versions {
  int32_t producer = 0, min_consumer = 0;
  std::vector<int32_t> bad_consumers;
};

struct GraphDef {
  std::vector<NodeDef> nodes;
  FunctionLibrary library;
  Versions versions;
};

// `owner` keeps `bytes` alive (constants point into them); null: the bytes outlive the graph.
Result<GraphDef> parse_graph_def(std::string_view bytes, std::shared_ptr<const void> owner,
                                 const std::string& name);
// Reads a binary GraphDef (a frozen .pb). The file stays mapped as long as constants point into it.
Result<GraphDef> read_graph_def(const std::string& path);
// Deterministic. kOutOfResources over 2 GiB - 1, which protobuf cannot read.
Result<std::string> serialize(const GraphDef& graph);

// True when `bytes` starts like a binary GraphDef: its first nodes have a name and an op. A look at
// the first kilobytes; cheap.
bool looks_like_graph_def(std::string_view bytes);

// A tensor of a signature.
struct TensorSpec {
  std::string name;  // "node:0"; empty for composite tensors
  TfType dtype = TfType::kInvalid;
  ShapeProto shape;
  bool composite = false;  // sparse, ragged ...: several tensors, not usable here
};
struct SignatureDef {
  std::map<std::string, TensorSpec, std::less<>> inputs, outputs;
  std::string method_name;
};
struct AssetFile {
  std::string tensor_name, filename;  // filename: below assets/, checked to stay there
};

struct MetaGraph {
  std::vector<std::string> tags;
  std::string tensorflow_version;
  std::vector<OpDef> op_defs;  // every op used, function bodies included
  GraphDef graph;
  std::map<std::string, SignatureDef, std::less<>> signatures;
  std::vector<AssetFile> assets;
  std::string filename_tensor_name, restore_op_name;  // of the saver; empty when there is none
  std::map<std::string, std::string, std::less<>> collections;  // key -> CollectionDef in wire form
};

// The tag sets of all meta graphs in a saved_model.pb, in file order.
Result<std::vector<std::vector<std::string>>> parse_tag_sets(std::string_view bytes,
                                                             const std::string& name);
// The `index`th meta graph.
Result<MetaGraph> parse_meta_graph(std::string_view bytes, size_t index,
                                   std::shared_ptr<const void> owner, const std::string& name);
// A saved_model.pb with this one meta graph. Deterministic. No object graph is written: loaders see
// a TF1-style SavedModel.
Result<std::string> serialize_saved_model(const MetaGraph& meta);
// A CollectionDef that lists nodes, such as saved_model_main_op's.
std::string node_list_collection(const std::vector<std::string>& nodes);

}  // namespace hone::tf

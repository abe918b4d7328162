#include "importers/tensorflow/graph_def.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {
namespace {

struct TypeRow {
  TfType tf;
  const char* name;
  std::optional<DataType> hone;
};

// Numbers and names of tensorflow/core/framework/types.proto; they never change.
const TypeRow kTypes[] = {
    {TfType::kInvalid, "invalid", {}},
    {TfType::kFloat, "float32", DataType::f32},
    {TfType::kDouble, "float64", DataType::f64},
    {TfType::kInt32, "int32", DataType::i32},
    {TfType::kUint8, "uint8", DataType::u8},
    {TfType::kInt16, "int16", DataType::i16},
    {TfType::kInt8, "int8", DataType::i8},
    {TfType::kString, "string", DataType::string},
    {TfType::kComplex64, "complex64", {}},
    {TfType::kInt64, "int64", DataType::i64},
    {TfType::kBool, "bool", DataType::boolean},
    {TfType::kQint8, "qint8", {}},
    {TfType::kQuint8, "quint8", {}},
    {TfType::kQint32, "qint32", {}},
    {TfType::kBfloat16, "bfloat16", DataType::bf16},
    {TfType::kQint16, "qint16", {}},
    {TfType::kQuint16, "quint16", {}},
    {TfType::kUint16, "uint16", DataType::u16},
    {TfType::kComplex128, "complex128", {}},
    {TfType::kHalf, "float16", DataType::f16},
    {TfType::kResource, "resource", {}},
    {TfType::kVariant, "variant", {}},
    {TfType::kUint32, "uint32", DataType::u32},
    {TfType::kUint64, "uint64", DataType::u64},
};

const TypeRow* find_row(TfType type) {
  for (const TypeRow& row : kTypes) {
    if (row.tf == type) return &row;
  }
  return nullptr;
}

}  // namespace

std::optional<DataType> to_hone(TfType type) {
  const TypeRow* row = find_row(type);
  return row ? row->hone : std::nullopt;
}

TfType to_tf(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.hone == type) return row.tf;
  }
  return TfType::kInvalid;
}

std::string type_name(TfType type) {
  constexpr int kRef = 100;
  if (const TypeRow* row = find_row(type)) return row->name;
  const int number = static_cast<int>(type);
  if (number > kRef) {
    if (const TypeRow* row = find_row(static_cast<TfType>(number - kRef))) {
      return std::string(row->name) + "_ref";
    }
  }
  return fmt::format("type {}", number);
}

std::string to_string(const ShapeProto& shape) {
  if (shape.unknown_rank) return "unknown rank";
  return fmt::format("[{}]", fmt::join(shape.dims, ", "));
}

Status NodeDef::bad_attr(std::string_view key) const {
  const bool present = attrs.find(key) != attrs.end();
  return Status(Code::kModel, fmt::format("attribute '{}' {}", key,
                                          present ? "is of an unexpected kind" : "is missing"))
      .at(fmt::format("node '{}' ({})", printable(name), printable(op)));
}

const FunctionDef* FunctionLibrary::find(std::string_view name) const {
  for (const FunctionDef& function : functions) {
    if (function.signature.name == name) return &function;
  }
  return nullptr;
}

Result<GraphDef> read_graph_def(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  if (!looks_like_graph_def(file->view())) {
    const std::string_view begin = trim(file->view().substr(0, 4096));
    if (begin.starts_with("node") || begin.starts_with("library") ||
        begin.starts_with("versions")) {
      return Status(Code::kUnsupported, "GraphDefs in text form cannot be read")
          .at(path)
          .fix(
              "convert it to binary form: tf.io.write_graph(graph_def, folder, name, "
              "as_text=False)");
    }
    return Status(Code::kModel, "this is not a binary GraphDef")
        .at(path)
        .fix("give a frozen graph (.pb), or the folder of a SavedModel");
  }
  return parse_graph_def(file->view(), file, path);
}

}  // namespace hone::tf

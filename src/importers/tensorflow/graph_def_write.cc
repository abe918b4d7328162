// Structs -> wire format. Fields in the order of their numbers and maps sorted, so that equal
// graphs give equal bytes.
#include <fmt/format.h>

#include <climits>

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"

namespace hone::tf {

using protozero::pbf_writer;

namespace {

// protozero leaves out a sub-message into which nothing was written; where an empty one means
// something else than none, this writes it.
void write_empty(pbf_writer& out, uint32_t tag) { out.add_message(tag, "", 0); }

void write_text(pbf_writer& out, uint32_t tag, const std::string& text) {
  if (!text.empty()) out.add_bytes(tag, text);
}

void write_attr_value(pbf_writer& out, const AttrValue& attr);

void write_attr_entry(pbf_writer& out, uint32_t tag, const std::string& key,
                      const AttrValue& value) {
  pbf_writer entry(out, tag);
  entry.add_bytes(1, key);
  pbf_writer sub(entry, 2);
  write_attr_value(sub, value);
}

void write_attrs(pbf_writer& out, uint32_t tag, const AttrMap& attrs) {
  for (const auto& [key, value] : attrs) write_attr_entry(out, tag, key, value);
}

void write_func(pbf_writer& out, const FuncAttr& func) {
  out.add_bytes(1, func.name);
  for (const auto& [key, value] : func.attrs) write_attr_entry(out, 2, key, value);
}

void write_shape_field(pbf_writer& out, uint32_t tag, const ShapeProto& shape) {
  if (shape.dims.empty() && !shape.unknown_rank) return write_empty(out, tag);
  write_shape(pbf_writer(out, tag), shape);
}

void write_tensor_field(pbf_writer& out, uint32_t tag, const TensorProto& tensor) {
  std::string wire;
  tensor.append_to(&wire);
  out.add_message(tag, wire);
}

void write_list(pbf_writer& out, const ListAttr& list) {
  for (const std::string& s : list.s) out.add_bytes(2, s);
  out.add_packed_int64(3, list.i.begin(), list.i.end());
  out.add_packed_float(4, list.f.begin(), list.f.end());
  out.add_packed_uint64(5, list.b.begin(), list.b.end());
  std::vector<int32_t> types;
  for (const TfType type : list.type) types.push_back(static_cast<int32_t>(type));
  out.add_packed_enum(6, types.begin(), types.end());
  for (const ShapeProto& shape : list.shape) write_shape_field(out, 7, shape);
  for (const TensorProto& tensor : list.tensor) write_tensor_field(out, 8, tensor);
  for (const FuncAttr& func : list.func) {
    pbf_writer sub(out, 9);
    write_func(sub, func);
  }
}

bool is_empty(const ListAttr& list) {
  return list.s.empty() && list.i.empty() && list.f.empty() && list.b.empty() &&
         list.type.empty() && list.shape.empty() && list.tensor.empty() && list.func.empty();
}

void write_attr_value(pbf_writer& out, const AttrValue& attr) {
  if (const auto* list = attr.get<ListAttr>()) {
    if (is_empty(*list)) return write_empty(out, 1);
    pbf_writer sub(out, 1);
    write_list(sub, *list);
  } else if (const auto* s = attr.get<std::string>()) {
    out.add_bytes(2, *s);
  } else if (const auto* i = attr.get<int64_t>()) {
    out.add_int64(3, *i);
  } else if (const auto* f = attr.get<float>()) {
    out.add_float(4, *f);
  } else if (const auto* b = attr.get<bool>()) {
    out.add_bool(5, *b);
  } else if (const auto* type = attr.get<TfType>()) {
    out.add_enum(6, static_cast<int32_t>(*type));
  } else if (const auto* shape = attr.get<ShapeProto>()) {
    write_shape_field(out, 7, *shape);
  } else if (const auto* tensor = attr.get<TensorProto>()) {
    write_tensor_field(out, 8, *tensor);
  } else if (const auto* placeholder = attr.get<PlaceholderAttr>()) {
    out.add_bytes(9, placeholder->name);
  } else if (const auto* func = attr.get<FuncAttr>()) {
    pbf_writer sub(out, 10);
    write_func(sub, *func);
  } else if (const auto* raw = attr.get<RawAttr>()) {
    // The fields themselves: a writer of the same message that appends them unchanged.
    protozero::pbf_reader in(raw->bytes);
    while (in.next()) {
      const auto tag = in.tag();  // reading the value forgets it
      switch (in.wire_type()) {
        case protozero::pbf_wire_type::varint:
          out.add_uint64(tag, in.get_uint64());
          break;
        case protozero::pbf_wire_type::fixed32:
          out.add_fixed32(tag, in.get_fixed32());
          break;
        case protozero::pbf_wire_type::fixed64:
          out.add_fixed64(tag, in.get_fixed64());
          break;
        default:
          out.add_bytes(tag, in.get_view());
      }
    }
  }
}

void write_node(pbf_writer out, const NodeDef& node) {
  out.add_bytes(1, node.name);
  out.add_bytes(2, node.op);
  for (const std::string& input : node.inputs) out.add_bytes(3, input);
  write_text(out, 4, node.device);
  write_attrs(out, 5, node.attrs);
}

void write_arg_def(pbf_writer out, const ArgDef& arg) {
  out.add_bytes(1, arg.name);
  if (arg.type != TfType::kInvalid) out.add_enum(3, static_cast<int32_t>(arg.type));
  write_text(out, 4, arg.type_attr);
  write_text(out, 5, arg.number_attr);
  write_text(out, 6, arg.type_list_attr);
  for (const std::string& data : arg.handle_data) out.add_bytes(7, data);
  if (arg.is_ref) out.add_bool(16, true);
}

void write_string_map(pbf_writer& out, uint32_t tag,
                      const std::map<std::string, std::string, std::less<>>& map) {
  for (const auto& [key, value] : map) {
    pbf_writer entry(out, tag);
    entry.add_bytes(1, key);
    entry.add_bytes(2, value);
  }
}

void write_function(pbf_writer out, const FunctionDef& function) {
  write_op_def(pbf_writer(out, 1), function.signature);
  for (const NodeDef& node : function.nodes) write_node(pbf_writer(out, 3), node);
  write_string_map(out, 4, function.ret);
  write_attrs(out, 5, function.attrs);
  write_string_map(out, 6, function.control_ret);
  for (const auto& [index, attrs] : function.arg_attrs) {
    pbf_writer entry(out, 7);
    entry.add_uint32(1, index);
    pbf_writer value(entry, 2);
    write_attrs(value, 1, attrs);
  }
  for (const auto& [index, id] : function.resource_arg_unique_ids) {
    pbf_writer entry(out, 8);
    entry.add_uint32(1, index);
    entry.add_uint32(2, id);
  }
}

void write_library(pbf_writer out, const FunctionLibrary& library) {
  for (const FunctionDef& function : library.functions) {
    write_function(pbf_writer(out, 1), function);
  }
  for (const auto& [function, gradient] : library.gradients) {
    pbf_writer entry(out, 2);
    entry.add_bytes(1, function);
    entry.add_bytes(2, gradient);
  }
}

void write_versions(pbf_writer out, const Versions& versions) {
  if (versions.producer != 0) out.add_int32(1, versions.producer);
  if (versions.min_consumer != 0) out.add_int32(2, versions.min_consumer);
  out.add_packed_int32(3, versions.bad_consumers.begin(), versions.bad_consumers.end());
}

}  // namespace

void write_shape(pbf_writer out, const ShapeProto& shape) {
  for (const int64_t size : shape.dims) {
    pbf_writer dim(out, 2);
    dim.add_int64(1, size);  // also 0: an empty Dim would be left out
  }
  if (shape.unknown_rank) out.add_bool(3, true);
}

void write_op_def(pbf_writer out, const OpDef& op) {
  out.add_bytes(1, op.name);
  for (const ArgDef& arg : op.inputs) write_arg_def(pbf_writer(out, 2), arg);
  for (const ArgDef& arg : op.outputs) write_arg_def(pbf_writer(out, 3), arg);
  for (const AttrDef& attr : op.attrs) {
    pbf_writer sub(out, 4);
    sub.add_bytes(1, attr.name);
    sub.add_bytes(2, attr.type);
    if (attr.default_value) {
      pbf_writer value(sub, 3);
      write_attr_value(value, *attr.default_value);
    }
  }
  if (op.is_stateful) out.add_bool(17, true);
  for (const std::string& name : op.control_outputs) out.add_bytes(20, name);
}

void write_graph(pbf_writer out, const GraphDef& graph) {
  for (const NodeDef& node : graph.nodes) write_node(pbf_writer(out, 1), node);
  write_library(pbf_writer(out, 2), graph.library);
  write_versions(pbf_writer(out, 4), graph.versions);
}

Result<std::string> checked_size(std::string bytes) {
  if (bytes.size() > INT_MAX) {
    return Status(Code::kOutOfResources, fmt::format("the graph needs {} bytes", bytes.size()))
        .because("protobuf cannot read messages of 2 GiB or more");
  }
  return bytes;
}

Result<std::string> serialize(const GraphDef& graph) {
  std::string bytes;
  {
    pbf_writer out(bytes);
    write_graph(pbf_writer(std::move(out)), graph);
  }
  return checked_size(std::move(bytes));
}

}  // namespace hone::tf

// Wire format -> structs: op definitions, functions, the function library.
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {

using protozero::pbf_reader;

namespace {

std::pair<std::string, std::string> read_string_entry(Decoder& decoder, pbf_reader entry) {
  std::pair<std::string, std::string> result;
  while (entry.next()) {
    switch (entry.tag_and_type()) {
      case bytes_field(1):
        result.first = decoder.text(entry);
        break;
      case bytes_field(2):
        result.second = decoder.text(entry);
        break;
      default:
        entry.skip();
    }
  }
  return result;
}

ArgDef read_arg_def(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(ArgDef));
  ArgDef arg;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        arg.name = decoder.text(in);
        break;
      case varint_field(3):
        arg.type = TfType{in.get_enum()};
        break;
      case bytes_field(4):
        arg.type_attr = decoder.text(in);
        break;
      case bytes_field(5):
        arg.number_attr = decoder.text(in);
        break;
      case bytes_field(6):
        arg.type_list_attr = decoder.text(in);
        break;
      case bytes_field(7):
        arg.handle_data.push_back(decoder.text(in));
        break;
      case varint_field(16):
        arg.is_ref = in.get_uint64() != 0;
        break;
      default:
        in.skip();
    }
  }
  return arg;
}

AttrDef read_attr_def(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(AttrDef));
  AttrDef attr;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        attr.name = decoder.text(in);
        break;
      case bytes_field(2):
        attr.type = decoder.text(in);
        break;
      case bytes_field(3):
        attr.default_value = read_attr_value(decoder, decoder.message(in));
        break;
      default:
        in.skip();
    }
  }
  return attr;
}

// map<uint32, ArgAttrs>, ArgAttrs { attr = 1 }.
void read_arg_attrs(Decoder& decoder, pbf_reader entry, std::map<uint32_t, AttrMap>* out) {
  decoder.charge(128);
  uint32_t key = 0;
  AttrMap attrs;
  while (entry.next()) {
    switch (entry.tag_and_type()) {
      case varint_field(1):
        key = entry.get_uint32();
        break;
      case bytes_field(2): {
        pbf_reader value = decoder.message(entry);
        while (value.next()) {
          if (value.tag_and_type() == bytes_field(1)) {
            add_attr(decoder, decoder.message(value), &attrs);
          } else {
            value.skip();
          }
        }
        break;
      }
      default:
        entry.skip();
    }
  }
  (*out)[key] = std::move(attrs);
}

void read_id_entry(Decoder& decoder, pbf_reader entry, std::map<uint32_t, uint32_t>* out) {
  decoder.charge(64);
  uint32_t key = 0, value = 0;
  while (entry.next()) {
    switch (entry.tag_and_type()) {
      case varint_field(1):
        key = entry.get_uint32();
        break;
      case varint_field(2):
        value = entry.get_uint32();
        break;
      default:
        entry.skip();
    }
  }
  (*out)[key] = value;
}

FunctionDef read_function(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(FunctionDef));
  FunctionDef function;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        function.signature = read_op_def(decoder, decoder.message(in));
        break;
      case bytes_field(3):
        function.nodes.push_back(read_node(decoder, decoder.message(in)));
        break;
      case bytes_field(4):
        function.ret.insert(read_string_entry(decoder, decoder.message(in)));
        decoder.charge(128);
        break;
      case bytes_field(5):
        add_attr(decoder, decoder.message(in), &function.attrs);
        break;
      case bytes_field(6):
        function.control_ret.insert(read_string_entry(decoder, decoder.message(in)));
        decoder.charge(128);
        break;
      case bytes_field(7):
        read_arg_attrs(decoder, decoder.message(in), &function.arg_attrs);
        break;
      case bytes_field(8):
        read_id_entry(decoder, decoder.message(in), &function.resource_arg_unique_ids);
        break;
      default:
        in.skip();
    }
  }
  if (function.signature.name.empty()) {
    throw DecodeError(Status(Code::kModel, "a function without a name"));
  }
  return function;
}

}  // namespace

OpDef read_op_def(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(OpDef));
  OpDef op;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        op.name = decoder.text(in);
        break;
      case bytes_field(2):
        op.inputs.push_back(read_arg_def(decoder, decoder.message(in)));
        break;
      case bytes_field(3):
        op.outputs.push_back(read_arg_def(decoder, decoder.message(in)));
        break;
      case bytes_field(4):
        op.attrs.push_back(read_attr_def(decoder, decoder.message(in)));
        break;
      case varint_field(17):
        op.is_stateful = in.get_uint64() != 0;
        break;
      case bytes_field(20):
        op.control_outputs.push_back(decoder.text(in));
        break;
      default:
        in.skip();
    }
  }
  return op;
}

FunctionLibrary read_library(Decoder& decoder, pbf_reader in) {
  FunctionLibrary library;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        library.functions.push_back(read_function(decoder, decoder.message(in)));
        break;
      case bytes_field(2):
        library.gradients.push_back(read_string_entry(decoder, decoder.message(in)));
        decoder.charge(64);
        break;
      default:
        in.skip();
    }
  }
  return library;
}

}  // namespace hone::tf

#include "importers/onnx/model.h"

namespace hone::onnx {
namespace {

using protozero::pbf_reader;

// Repeated numbers, packed or one by one.
template <class T, class Range>
void append_packed(std::vector<T>* list, const Range& range, size_t bytes, Budget& budget) {
  budget.charge(bytes * sizeof(T));  // a number takes at least one byte
  for (auto number : range) list->push_back(number);
}

int type_of_field(uint32_t field) {
  switch (field) {
    case 2:
      return kFloat;
    case 3:
      return kInt;
    case 4:
      return kString;
    case 5:
      return kTensor;
    case 6:
      return kGraph;
    case 7:
      return kFloats;
    case 8:
      return kInts;
    case 9:
      return kStrings;
    default:
      return 0;
  }
}

AttributeData decode_attribute(pbf_reader in, Budget& budget) {
  AttributeData attribute;
  int found_type = 0;  // for files of early versions, which leave `type` out
  while (in.next()) {
    const uint32_t field = in.tag();
    if (int type = type_of_field(field)) found_type = type;
    switch (in.tag_and_type()) {
      case bytes_field(1):
        attribute.name = get_view(in);
        break;
      case fixed32_field(2):
        attribute.f = in.get_float();
        break;
      case varint_field(3):
        attribute.i = in.get_int64();
        break;
      case bytes_field(4):
        attribute.s = get_view(in);
        break;
      case bytes_field(5):
        attribute.t = get_view(in);
        break;
      case fixed32_field(7):
        append_packed(&attribute.floats, std::vector<float>{in.get_float()}, 1, budget);
        break;
      case bytes_field(7): {
        pbf_reader rest = in;
        const size_t bytes = rest.get_view().size();
        append_packed(&attribute.floats, in.get_packed_float(), bytes / 4, budget);
        break;
      }
      case varint_field(8):
        append_packed(&attribute.ints, std::vector<int64_t>{in.get_int64()}, 1, budget);
        break;
      case bytes_field(8): {
        pbf_reader rest = in;
        const size_t bytes = rest.get_view().size();
        append_packed(&attribute.ints, in.get_packed_int64(), bytes, budget);
        break;
      }
      case bytes_field(9):
        budget.charge(sizeof(std::string_view));
        attribute.strings.push_back(get_view(in));
        break;
      case varint_field(20):
        attribute.type = in.get_int32();
        break;
      case bytes_field(21):
        attribute.is_reference = !get_view(in).empty();
        break;
      default:
        in.skip();
    }
  }
  if (attribute.type == 0) attribute.type = found_type;
  return attribute;
}

NodeData decode_node(pbf_reader in, Budget& budget) {
  NodeData node;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
      case bytes_field(2): {
        auto& list = in.tag() == 1 ? node.inputs : node.outputs;
        budget.charge(2 * sizeof(std::string_view));
        list.push_back(get_view(in));
        break;
      }
      case bytes_field(3):
        node.name = get_view(in);
        break;
      case bytes_field(4):
        node.op_type = get_view(in);
        break;
      case bytes_field(5):
        budget.charge(2 * sizeof(AttributeData));
        node.attributes.push_back(decode_attribute(in.get_message(), budget));
        break;
      case bytes_field(7):
        node.domain = get_view(in);
        break;
      default:
        in.skip();
    }
  }
  return node;
}

DimData decode_dim(pbf_reader in) {
  DimData dim;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        dim.value = in.get_int64();
        break;
      case bytes_field(2):
        dim.parameter = get_view(in);
        break;
      default:
        in.skip();
    }
  }
  return dim;
}

// TypeProto.Tensor
void decode_tensor_type(pbf_reader in, ValueData* value, Budget& budget) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        value->elem_type = in.get_int32();
        break;
      case bytes_field(2): {
        if (!value->shape) value->shape.emplace();
        pbf_reader shape = in.get_message();
        while (shape.next(1, protozero::pbf_wire_type::length_delimited)) {
          budget.charge(2 * sizeof(DimData));
          value->shape->push_back(decode_dim(shape.get_message()));
        }
        break;
      }
      default:
        in.skip();
    }
  }
}

ValueData decode_value(pbf_reader in, Budget& budget) {
  ValueData value;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        value.name = get_view(in);
        break;
      case bytes_field(2): {
        pbf_reader type = in.get_message();
        while (type.next(1, protozero::pbf_wire_type::length_delimited)) {
          value.is_tensor = true;
          decode_tensor_type(type.get_message(), &value, budget);
        }
        break;
      }
      default:
        in.skip();
    }
  }
  return value;
}

// The first text field `number` of a message; "" if it has none.
std::string_view text_of(pbf_reader in, uint32_t number) {
  std::string_view text;
  while (in.next(number, protozero::pbf_wire_type::length_delimited)) text = get_view(in);
  return text;
}

void decode_graph(pbf_reader in, ModelData* model, Budget& budget) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        budget.charge(2 * sizeof(NodeData));
        model->nodes.push_back(decode_node(in.get_message(), budget));
        break;
      case bytes_field(2):
        model->graph_name = get_view(in);
        break;
      case bytes_field(5): {
        budget.charge(2 * sizeof(InitializerData));
        const std::string_view tensor = get_view(in);
        const pbf_reader message(protozero::data_view(tensor.data(), tensor.size()));
        model->initializers.push_back({text_of(message, 8), tensor});
        break;
      }
      case bytes_field(11):
      case bytes_field(12):
      case bytes_field(13): {
        auto& list = in.tag() == 11   ? model->inputs
                     : in.tag() == 12 ? model->outputs
                                      : model->value_infos;
        budget.charge(2 * sizeof(ValueData));
        list.push_back(decode_value(in.get_message(), budget));
        break;
      }
      case bytes_field(15): {  // SparseTensorProto: its values are a named tensor
        budget.charge(sizeof(std::string_view));
        pbf_reader sparse = in.get_message();
        while (sparse.next(1, protozero::pbf_wire_type::length_delimited)) {
          model->sparse_initializers.push_back(text_of(sparse.get_message(), 8));
        }
        break;
      }
      default:
        in.skip();
    }
  }
}

}  // namespace

ModelData decode_model(std::string_view bytes) {
  Budget budget(bytes.size());
  ModelData model;
  pbf_reader in(protozero::data_view(bytes.data(), bytes.size()));
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        model.ir_version = in.get_int64();
        break;
      case bytes_field(7):
        model.has_graph = true;
        decode_graph(in.get_message(), &model, budget);
        break;
      case bytes_field(8): {
        pbf_reader opset = in.get_message();
        std::string_view domain;
        int64_t version = 0;
        while (opset.next()) {
          if (opset.tag_and_type() == bytes_field(1)) {
            domain = get_view(opset);
          } else if (opset.tag_and_type() == varint_field(2)) {
            version = opset.get_int64();
          } else {
            opset.skip();
          }
        }
        if (is_default_domain(domain)) model.opset = version;
        break;
      }
      default:
        in.skip();
    }
  }
  return model;
}

}  // namespace hone::onnx

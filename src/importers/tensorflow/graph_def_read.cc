// Wire format -> structs: nodes, attributes, graphs. Field numbers are those of TensorFlow's .proto
// files.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {

using protozero::pbf_reader;

namespace {

// Map entries: key = 1 (string), value = 2 (message). `set(key, value)` is called once, an absent
// value being an empty message.
template <class F>
void read_map_entry(Decoder& decoder, pbf_reader entry, F&& set) {
  std::string key;
  pbf_reader value;
  while (entry.next()) {
    switch (entry.tag_and_type()) {
      case bytes_field(1):
        key = decoder.text(entry);
        break;
      case bytes_field(2):
        value = decoder.message(entry);
        break;
      default:
        entry.skip();
    }
  }
  set(std::move(key), value);
}

AttrMap::value_type read_attr_entry(Decoder& decoder, pbf_reader entry) {
  std::string name;
  AttrValue value;
  read_map_entry(decoder, entry, [&](std::string key, pbf_reader in) {
    name = std::move(key);
    value = read_attr_value(decoder, in);
  });
  // A map node has about 48 bytes beside its value.
  decoder.charge(sizeof(AttrMap::value_type) + 48);
  return {std::move(name), std::move(value)};
}

FuncAttr read_func(Decoder& decoder, pbf_reader in) {
  const Decoder::Nest nest(decoder);
  FuncAttr func;
  AttrMap attrs;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        func.name = decoder.text(in);
        break;
      case bytes_field(2):
        add_attr(decoder, decoder.message(in), &attrs);
        break;
      default:
        in.skip();
    }
  }
  for (auto& [key, value] : attrs) func.attrs.emplace_back(key, std::move(value));
  return func;
}

template <class T>
void push(Decoder& decoder, std::vector<T>* list, T value) {
  decoder.charge(sizeof(T));
  list->push_back(std::move(value));
}

template <class T, class Range>
void push_all(Decoder& decoder, std::vector<T>* list, const Range& range) {
  for (const auto value : range) push(decoder, list, static_cast<T>(value));
}

ListAttr read_list(Decoder& decoder, pbf_reader in) {
  const Decoder::Nest nest(decoder);
  ListAttr list;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(2):
        list.s.push_back(decoder.text(in));
        break;
      case varint_field(3):
        push(decoder, &list.i, in.get_int64());
        break;
      case bytes_field(3):
        push_all(decoder, &list.i, in.get_packed_int64());
        break;
      case fixed32_field(4):
        push(decoder, &list.f, in.get_float());
        break;
      case bytes_field(4):
        push_all(decoder, &list.f, in.get_packed_float());
        break;
      case varint_field(5):
        push(decoder, &list.b, uint8_t{in.get_uint64() != 0});
        break;
      case bytes_field(5):
        for (const uint64_t value : in.get_packed_uint64()) {
          push(decoder, &list.b, uint8_t{value != 0});
        }
        break;
      case varint_field(6):
        push(decoder, &list.type, TfType{in.get_enum()});
        break;
      case bytes_field(6):
        push_all(decoder, &list.type, in.get_packed_enum());
        break;
      case bytes_field(7):
        push(decoder, &list.shape, read_shape(decoder, decoder.message(in)));
        break;
      case bytes_field(8):
        push(decoder, &list.tensor, TensorProto::from_wire(decoder, decoder.view(in)));
        break;
      case bytes_field(9):
        push(decoder, &list.func, read_func(decoder, decoder.message(in)));
        break;
      default:
        in.skip();
    }
  }
  return list;
}

Versions read_versions(Decoder& decoder, pbf_reader in) {
  Versions versions;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case varint_field(1):
        versions.producer = in.get_int32();
        break;
      case varint_field(2):
        versions.min_consumer = in.get_int32();
        break;
      case varint_field(3):
        push(decoder, &versions.bad_consumers, in.get_int32());
        break;
      case bytes_field(3):
        push_all(decoder, &versions.bad_consumers, in.get_packed_int32());
        break;
      default:
        in.skip();
    }
  }
  return versions;
}

void require(bool condition, std::string what) {
  if (!condition) throw DecodeError(Status(Code::kModel, std::move(what)));
}

}  // namespace

ShapeProto read_shape(Decoder& decoder, pbf_reader in) {
  ShapeProto shape;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(2): {
        pbf_reader dim = decoder.message(in);
        int64_t size = 0;
        while (dim.next()) {
          if (dim.tag_and_type() == varint_field(1)) {
            size = dim.get_int64();
          } else {
            dim.skip();
          }
        }
        require(size >= -1, fmt::format("dimension {} of a shape is {}", shape.dims.size(), size));
        push(decoder, &shape.dims, size);
        break;
      }
      case varint_field(3):
        shape.unknown_rank = in.get_uint64() != 0;
        break;
      default:
        in.skip();
    }
  }
  // TensorFlow's own limit is 254 dimensions.
  require(shape.dims.size() <= 254, fmt::format("a shape of rank {}", shape.dims.size()));
  return shape;
}

AttrValue read_attr_value(Decoder& decoder, pbf_reader in) {
  const Decoder::Nest nest(decoder);
  const protozero::data_view whole = in.data();
  AttrValue attr;
  bool unknown = false;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        attr = read_list(decoder, decoder.message(in));
        break;
      case bytes_field(2):
        attr = decoder.text(in);
        break;
      case varint_field(3):
        attr = in.get_int64();
        break;
      case fixed32_field(4):
        attr = in.get_float();
        break;
      case varint_field(5):
        attr = in.get_uint64() != 0;
        break;
      case varint_field(6):
        attr = TfType{in.get_enum()};
        break;
      case bytes_field(7):
        attr = read_shape(decoder, decoder.message(in));
        break;
      case bytes_field(8):
        attr = TensorProto::from_wire(decoder, decoder.view(in));
        break;
      case bytes_field(9):
        attr = PlaceholderAttr{decoder.text(in)};
        break;
      case bytes_field(10):
        attr = read_func(decoder, decoder.message(in));
        break;
      default:
        in.skip(), unknown = true;
    }
  }
  if (unknown && attr.get<std::monostate>()) {
    decoder.charge(whole.size());
    attr = RawAttr{std::string(whole.data(), whole.size())};
  }
  return attr;
}

// The last of two entries with one key wins, as in protobuf.
void add_attr(Decoder& decoder, pbf_reader entry, AttrMap* attrs) {
  auto [key, value] = read_attr_entry(decoder, entry);
  attrs->insert_or_assign(key, std::move(value));
}

NodeDef read_node(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(NodeDef));
  NodeDef node;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        node.name = decoder.text(in);
        decoder.set_place(fmt::format("node '{}'", printable(node.name)));
        break;
      case bytes_field(2):
        node.op = decoder.text(in);
        break;
      case bytes_field(3):
        node.inputs.push_back(decoder.text(in));
        break;
      case bytes_field(4):
        node.device = decoder.text(in);
        break;
      case bytes_field(5):
        add_attr(decoder, decoder.message(in), &node.attrs);
        break;
      default:
        in.skip();
    }
  }
  require(!node.name.empty(), "a node without a name");
  require(!node.op.empty(), fmt::format("node '{}' without an op", printable(node.name)));
  decoder.set_place("");
  return node;
}

GraphDef read_graph(Decoder& decoder, pbf_reader in) {
  GraphDef graph;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        graph.nodes.push_back(read_node(decoder, decoder.message(in)));
        break;
      case bytes_field(2): {
        FunctionLibrary more = read_library(decoder, decoder.message(in));
        std::move(more.functions.begin(), more.functions.end(),
                  std::back_inserter(graph.library.functions));
        std::move(more.gradients.begin(), more.gradients.end(),
                  std::back_inserter(graph.library.gradients));
        break;
      }
      case varint_field(3):
        graph.versions.producer = in.get_int32();
        break;
      case bytes_field(4):
        graph.versions = read_versions(decoder, decoder.message(in));
        break;
      default:
        in.skip();
    }
  }
  return graph;
}

Result<GraphDef> parse_graph_def(std::string_view bytes, std::shared_ptr<const void> owner,
                                 const std::string& name) {
  Decoder decoder(bytes, std::move(owner), name);
  return guarded(decoder, [&] { return read_graph(decoder, decoder.reader()); });
}

}  // namespace hone::tf

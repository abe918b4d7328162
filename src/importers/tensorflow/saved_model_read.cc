// saved_model.pb and its meta graphs: wire format <-> structs.
#include <fmt/format.h>

#include <algorithm>

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/graph_def_wire.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {

using protozero::pbf_reader;
using protozero::pbf_writer;

namespace {

// Calls `set(key, value)` for a map entry with a message as its value.
template <class F>
void read_entry(Decoder& decoder, pbf_reader entry, F&& set) {
  decoder.charge(128);
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

TensorSpec read_tensor_info(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(TensorSpec));
  TensorSpec spec;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        spec.name = decoder.text(in);
        break;
      case varint_field(2):
        spec.dtype = TfType{in.get_enum()};
        break;
      case bytes_field(3):
        spec.shape = read_shape(decoder, decoder.message(in));
        break;
      case bytes_field(4):
      case bytes_field(5):
        spec.composite = true;
        in.skip();
        break;
      default:
        in.skip();
    }
  }
  return spec;
}

SignatureDef read_signature(Decoder& decoder, pbf_reader in) {
  SignatureDef signature;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        read_entry(decoder, decoder.message(in), [&](std::string key, pbf_reader value) {
          signature.inputs[key] = read_tensor_info(decoder, value);
        });
        break;
      case bytes_field(2):
        read_entry(decoder, decoder.message(in), [&](std::string key, pbf_reader value) {
          signature.outputs[key] = read_tensor_info(decoder, value);
        });
        break;
      case bytes_field(3):
        signature.method_name = decoder.text(in);
        break;
      default:
        in.skip();
    }
  }
  return signature;
}

std::vector<std::string> read_tags(Decoder& decoder, pbf_reader meta_info) {
  std::vector<std::string> tags;
  while (meta_info.next()) {
    if (meta_info.tag_and_type() == bytes_field(4)) {
      tags.push_back(decoder.text(meta_info));
    } else {
      meta_info.skip();
    }
  }
  return tags;
}

void read_meta_info(Decoder& decoder, pbf_reader in, MetaGraph* meta) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(2): {
        pbf_reader list = decoder.message(in);
        while (list.next()) {
          if (list.tag_and_type() == bytes_field(1)) {
            meta->op_defs.push_back(read_op_def(decoder, decoder.message(list)));
          } else {
            list.skip();
          }
        }
        break;
      }
      case bytes_field(4):
        meta->tags.push_back(decoder.text(in));
        break;
      case bytes_field(5):
        meta->tensorflow_version = decoder.text(in);
        break;
      default:
        in.skip();
    }
  }
}

void read_saver(Decoder& decoder, pbf_reader in, MetaGraph* meta) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        meta->filename_tensor_name = decoder.text(in);
        break;
      case bytes_field(3):
        meta->restore_op_name = decoder.text(in);
        break;
      default:
        in.skip();
    }
  }
}

// True when `name` stays below the folder it is joined to.
bool is_safe_file_name(std::string_view name) {
  if (name.empty() || name[0] == '/') return false;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return name.find('\0') == std::string_view::npos;
}

AssetFile read_asset(Decoder& decoder, pbf_reader in) {
  decoder.charge(sizeof(AssetFile));
  AssetFile asset;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        asset.tensor_name = read_tensor_info(decoder, decoder.message(in)).name;
        break;
      case bytes_field(2):
        asset.filename = decoder.text(in);
        break;
      default:
        in.skip();
    }
  }
  if (!is_safe_file_name(asset.filename)) {
    throw DecodeError(Status(Code::kModel, "an asset file lies outside of the assets folder"));
  }
  return asset;
}

MetaGraph read_meta_graph(Decoder& decoder, pbf_reader in) {
  MetaGraph meta;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case bytes_field(1):
        read_meta_info(decoder, decoder.message(in), &meta);
        break;
      case bytes_field(2):
        meta.graph = read_graph(decoder, decoder.message(in));
        break;
      case bytes_field(3):
        read_saver(decoder, decoder.message(in), &meta);
        break;
      case bytes_field(4):
        read_entry(decoder, decoder.message(in), [&](std::string key, pbf_reader value) {
          decoder.charge(value.data().size());
          meta.collections[key] = std::string(value.data().data(), value.data().size());
        });
        break;
      case bytes_field(5):
        read_entry(decoder, decoder.message(in), [&](std::string key, pbf_reader value) {
          decoder.charge(sizeof(SignatureDef));
          meta.signatures[key] = read_signature(decoder, value);
        });
        break;
      case bytes_field(6):
        meta.assets.push_back(read_asset(decoder, decoder.message(in)));
        break;
      default:
        in.skip();
    }
  }
  return meta;
}

// Calls `visit(index, meta graph)` for SavedModel.meta_graphs.
template <class F>
void for_each_meta_graph(Decoder& decoder, F&& visit) {
  pbf_reader in = decoder.reader();
  size_t index = 0;
  while (in.next()) {
    if (in.tag_and_type() == bytes_field(2)) {
      visit(index++, decoder.message(in));
    } else {
      in.skip();
    }
  }
}

void write_tensor_info(pbf_writer out, const TensorSpec& spec) {
  out.add_bytes(1, spec.name);
  out.add_enum(2, static_cast<int32_t>(spec.dtype));
  if (spec.shape.dims.empty() && !spec.shape.unknown_rank) return out.add_message(3, "", 0);
  write_shape(pbf_writer(out, 3), spec.shape);
}

void write_ports(pbf_writer& out, uint32_t tag,
                 const std::map<std::string, TensorSpec, std::less<>>& ports) {
  for (const auto& [key, spec] : ports) {
    pbf_writer entry(out, tag);
    entry.add_bytes(1, key);
    write_tensor_info(pbf_writer(entry, 2), spec);
  }
}

void write_meta_info(pbf_writer out, const MetaGraph& meta) {
  if (!meta.op_defs.empty()) {
    pbf_writer list(out, 2);
    for (const OpDef& op : meta.op_defs) write_op_def(pbf_writer(list, 1), op);
  }
  for (const std::string& tag : meta.tags) out.add_bytes(4, tag);
  out.add_bytes(5, meta.tensorflow_version);
}

void write_meta_graph(pbf_writer out, const MetaGraph& meta) {
  write_meta_info(pbf_writer(out, 1), meta);
  write_graph(pbf_writer(out, 2), meta.graph);
  if (!meta.restore_op_name.empty()) {
    pbf_writer saver(out, 3);
    saver.add_bytes(1, meta.filename_tensor_name);
    saver.add_bytes(3, meta.restore_op_name);
    saver.add_int32(7, 2);  // version V2: tensor bundles
  }
  for (const auto& [key, value] : meta.collections) {
    pbf_writer entry(out, 4);
    entry.add_bytes(1, key);
    entry.add_bytes(2, value);
  }
  for (const auto& [key, signature] : meta.signatures) {
    pbf_writer entry(out, 5);
    entry.add_bytes(1, key);
    pbf_writer value(entry, 2);
    write_ports(value, 1, signature.inputs);
    write_ports(value, 2, signature.outputs);
    value.add_bytes(3, signature.method_name);
  }
  for (const AssetFile& asset : meta.assets) {
    pbf_writer file(out, 6);
    {
      pbf_writer info(file, 1);
      info.add_bytes(1, asset.tensor_name);
    }
    file.add_bytes(2, asset.filename);
  }
}

}  // namespace

Result<std::vector<std::vector<std::string>>> parse_tag_sets(std::string_view bytes,
                                                             const std::string& name) {
  Decoder decoder(bytes, nullptr, name);
  return guarded(decoder, [&] {
    std::vector<std::vector<std::string>> sets;
    for_each_meta_graph(decoder, [&](size_t, pbf_reader meta) {
      decoder.charge(sizeof(sets[0]));
      sets.emplace_back();
      while (meta.next()) {
        if (meta.tag_and_type() == bytes_field(1)) {
          sets.back() = read_tags(decoder, decoder.message(meta));
        } else {
          meta.skip();
        }
      }
    });
    return sets;
  });
}

Result<MetaGraph> parse_meta_graph(std::string_view bytes, size_t index,
                                   std::shared_ptr<const void> owner, const std::string& name) {
  Decoder decoder(bytes, std::move(owner), name);
  return guarded(decoder, [&] {
    MetaGraph meta;
    for_each_meta_graph(decoder, [&](size_t i, pbf_reader in) {
      if (i == index) meta = read_meta_graph(decoder, in);
    });
    return meta;
  });
}

Result<std::string> serialize_saved_model(const MetaGraph& meta) {
  std::string bytes;
  {
    pbf_writer out(bytes);
    out.add_int64(1, 1);  // saved_model_schema_version
    write_meta_graph(pbf_writer(out, 2), meta);
  }
  return checked_size(std::move(bytes));
}

// CollectionDef: node_list = 1 { value = 1 }.
std::string node_list_collection(const std::vector<std::string>& nodes) {
  std::string bytes;
  pbf_writer out(bytes);
  pbf_writer list(out, 1);
  for (const std::string& node : nodes) list.add_bytes(1, node);
  list.commit();
  return bytes;
}

}  // namespace hone::tf

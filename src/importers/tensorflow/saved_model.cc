#include "importers/tensorflow/saved_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "importers/tensorflow/proto.h"

namespace hone::tf {

using protozero::pbf_reader;

namespace {

std::string tag_set_text(std::vector<std::string> tags) {
  for (std::string& tag : tags) tag = fmt::format("'{}'", printable(tag));
  return fmt::format("{{{}}}", join(tags, ", "));
}

// The index of the meta graph with these tags; order and repetition do not count.
Result<size_t> find_tags(const std::vector<std::vector<std::string>>& sets,
                         std::vector<std::string> tags) {
  if (tags.empty() && sets.size() == 1) return size_t{0};
  const auto normal = [](std::vector<std::string> set) {
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    return set;
  };
  for (size_t i = 0; i < sets.size(); ++i) {
    if (normal(sets[i]) == normal(tags)) return i;
  }
  std::vector<std::string> texts;
  for (const auto& set : sets) texts.push_back(tag_set_text(set));
  return Status(Code::kInvalidArgument,
                fmt::format("there is no graph with the tags {}", tag_set_text(tags)))
      .fix(sets.empty() ? "export the model again: the file has no graph at all"
                        : fmt::format("give one of the tag sets {}", join(texts, ", ")));
}

// True when `message` has text in the fields `first` and `second`, as a NodeDef has.
bool has_texts(pbf_reader message, uint32_t first, uint32_t second) {
  bool found_first = false, found_second = false;
  while (message.next()) {
    if (message.wire_type() != protozero::pbf_wire_type::length_delimited) {
      message.skip();
      continue;
    }
    const uint32_t tag = message.tag();
    const protozero::data_view text = message.get_view();
    found_first |= tag == first && text.size() > 0;
    found_second |= tag == second && text.size() > 0;
  }
  return found_first && found_second;
}

}  // namespace

Result<SavedModel> read_saved_model(const std::string& directory,
                                    const std::vector<std::string>& tags) {
  SavedModel model;
  model.directory = directory;
  const std::string path = join_path(directory, "saved_model.pb");
  if (!file_exists(path) && file_exists(join_path(directory, "saved_model.pbtxt"))) {
    return Status(Code::kUnsupported, "SavedModels in text form cannot be read")
        .at(join_path(directory, "saved_model.pbtxt"))
        .fix("load the model with TensorFlow and save it again");
  }
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  HONE_ASSIGN_OR_RETURN(const auto sets, parse_tag_sets(file->view(), path));
  const auto index = find_tags(sets, tags);
  if (!index.ok()) return Status(index.status()).at(path);
  HONE_ASSIGN_OR_RETURN(model.meta, parse_meta_graph(file->view(), *index, file, path));
  const std::string prefix = join_path(directory, "variables/variables");
  if (file_exists(prefix + ".index")) {
    HONE_ASSIGN_OR_RETURN(model.variables, Bundle::open(prefix));
  }
  return model;
}

Result<std::string> choose_signature(const MetaGraph& meta, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [key, signature] : meta.signatures) {
    if (key != "__saved_model_init_op") names.push_back(printable(key));
  }
  const std::string wanted(name.empty() ? "serving_default" : name);
  if (meta.signatures.count(wanted)) return wanted;
  if (name.empty() && names.size() == 1) {
    for (const auto& [key, signature] : meta.signatures) {
      if (key != "__saved_model_init_op") return key;
    }
  }
  return Status(Code::kInvalidArgument,
                fmt::format("the model has no signature '{}'", printable(wanted)))
      .fix(names.empty() ? "save it with a signature (signatures=... of tf.saved_model.save)"
                         : fmt::format("choose one of: {}", join(names, ", ")));
}

bool looks_like_graph_def(std::string_view bytes) {
  try {
    pbf_reader in(bytes.data(), bytes.size());
    int nodes = 0;
    while (nodes < 3 && in.next()) {
      switch (in.tag_and_type()) {
        case bytes_field(1):
          if (!has_texts(in.get_message(), 1, 2)) return false;
          ++nodes;
          break;
        case bytes_field(2):
        case varint_field(3):
        case bytes_field(4):
        case bytes_field(5):
          in.skip();
          break;
        default:
          return false;
      }
    }
    return nodes > 0;
  } catch (const protozero::exception&) {
    return false;
  }
}

// ModelProto: ir_version = 1, texts 2 to 6, graph = 7 (message), opset_import = 8 (message). A
// SavedModel file also starts with a number in field 1, but has no field 7 or 8.
bool looks_like_onnx(std::string_view bytes) {
  bool has_version = false, has_graph = false;
  try {
    pbf_reader in(bytes.data(), bytes.size());
    while (!(has_version && has_graph) && in.next()) {
      switch (in.tag_and_type()) {
        case varint_field(1):
          has_version = true;
          break;
        case bytes_field(7):
        case bytes_field(8):
          has_graph = true;
          break;
        default:
          if (in.tag() > 25) return false;
      }
      in.skip();
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return has_version && has_graph;
}

Result<ModelFormat> detect_format(const std::string& path) {
  if (is_directory(path)) {
    const bool is_saved_model = file_exists(join_path(path, "saved_model.pb")) ||
                                file_exists(join_path(path, "saved_model.pbtxt"));
    return is_saved_model ? ModelFormat::kSavedModel : ModelFormat::kOther;
  }
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  if (looks_like_graph_def(file->view())) return ModelFormat::kGraphDef;
  if (looks_like_onnx(file->view())) return ModelFormat::kOnnx;
  return ModelFormat::kOther;
}

}  // namespace hone::tf

#include <fmt/core.h>

#include "base/file.h"
#include "builder/model_impl.h"
#include "graph/text.h"
#include "importers/onnx/import.h"
#include "importers/tensorflow/import.h"
#include "importers/tensorflow/saved_model.h"

namespace hone {
namespace {

TensorInfo info_of(const Value& value, const std::string& name) {
  TensorInfo info;
  info.name = name;
  info.dtype = value.dtype();
  for (const Dim& dim : value.shape()) info.shape.push_back(dim.is_const() ? dim.value() : kAny);
  info.shape_text = shape_text(value.shape());
  return info;
}

Result<Graph> import_saved_model(const std::string& path, const std::string& signature) {
  HONE_ASSIGN_OR_RETURN(const tf::SavedModel model, tf::read_saved_model(path));
  HONE_ASSIGN_OR_RETURN(const tf::FrozenGraph frozen, tf::freeze_signature(model, signature));
  return tf::import_frozen_graph(frozen, path);
}

Result<Graph> import_graph_def(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const tf::FrozenGraph frozen, tf::read_frozen_graph(path));
  return tf::import_frozen_graph(frozen, path);
}

// Hone's own text form, recognised by its first word.
Result<Graph> import_text(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  auto graph = parse_graph(text);
  if (!graph.ok()) return Status(graph.status()).at(path);
  return graph;
}

bool is_hone_text(const std::string& path) {
  const auto file = MappedFile::open(path);
  return file.ok() && (*file)->view().substr(0, 6) == "graph ";
}

}  // namespace

Model make_model(Graph graph, std::string source, std::string format) {
  auto impl = std::make_shared<Model::Impl>();
  for (const Value* input : graph.inputs()) impl->inputs.push_back(info_of(*input, input->name()));
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    impl->outputs.push_back(info_of(*graph.outputs()[i], graph.output_names()[i]));
  }
  impl->graph = std::move(graph);
  impl->source = std::move(source);
  impl->format = std::move(format);
  return Model(std::move(impl));
}

Result<Model> Model::from_file(const std::string& path, const std::string& signature) {
  HONE_ASSIGN_OR_RETURN(const tf::ModelFormat format, tf::detect_format(path));
  switch (format) {
    case tf::ModelFormat::kSavedModel: {
      HONE_ASSIGN_OR_RETURN(Graph graph, import_saved_model(path, signature));
      return make_model(std::move(graph), path, "saved_model");
    }
    case tf::ModelFormat::kGraphDef: {
      HONE_ASSIGN_OR_RETURN(Graph graph, import_graph_def(path));
      return make_model(std::move(graph), path, "graphdef");
    }
    case tf::ModelFormat::kOnnx: {
      HONE_ASSIGN_OR_RETURN(Graph graph, import_onnx(path));
      return make_model(std::move(graph), path, "onnx");
    }
    case tf::ModelFormat::kOther:
      break;
  }
  if (is_hone_text(path)) {
    HONE_ASSIGN_OR_RETURN(Graph graph, import_text(path));
    return make_model(std::move(graph), path, "hone");
  }
  return Status(Code::kModel, "not a model that Hone reads")
      .at(path)
      .because(
          "it is neither an ONNX file, a SavedModel directory, a frozen GraphDef nor Hone's graph "
          "text")
      .fix("check the path; hone ops lists what can be imported");
}

const std::vector<TensorInfo>& Model::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Model::outputs() const { return impl_->outputs; }
const std::string& Model::source() const { return impl_->source; }
const std::string& Model::format() const { return impl_->format; }
std::string Model::text() const { return print_graph(impl_->graph); }

}  // namespace hone

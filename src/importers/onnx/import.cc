#include "importers/onnx/import.h"

#include <fmt/format.h>

#include <new>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/file.h"
#include "base/text.h"
#include "importers/onnx/importer_table.h"
#include "importers/onnx/order.h"

namespace hone {
namespace onnx {
namespace {

constexpr int64_t kOldestOpset = 7;  // broadcasting became NumPy's
constexpr int64_t kNewestOpset = 24;
constexpr size_t kMaxReported = 200;  // nodes in one message

// Builds the graph of one model.
class Importer {
 public:
  Importer(const ModelData& model, std::shared_ptr<const MappedFile> file)
      : model_(model), tensors_(std::move(file)) {}

  Result<Graph> import();

 private:
  Status add_inputs();
  Status add_node(size_t index);
  Status add_outputs();
  Status report() const;

  // Runs the importer function of a node; null where the model has no use for an output.
  Values call(const NodeData& node, const std::string& name, const Values& inputs);
  void name_outputs(const NodeData& node, const std::string& name, Values outputs);
  // The value of a tensor; null if the node that makes it could not be imported.
  Value* find(std::string_view name);
  Value* add_initializer(const InitializerData& initializer);
  TensorType read_type(const ValueData& data);
  Dim read_dim(const DimData& dim, std::string_view name, size_t axis);
  void add_placeholders(const NodeData& node);

  const ModelData& model_;
  TensorReader tensors_;
  Graph graph_;
  std::unordered_map<std::string_view, Value*> values_;  // by ONNX's names
  std::unordered_map<std::string_view, const InitializerData*> initializers_;
  std::unordered_map<std::string_view, const ValueData*> infos_;
  std::unordered_set<std::string_view> used_;  // tensors that nodes or graph outputs read
  std::set<std::string> symbols_;
  std::vector<std::string> problems_;
  Code problem_code_ = Code::kModel;
  size_t num_problems_ = 0;
};

// --- Types.

Dim Importer::read_dim(const DimData& dim, std::string_view name, size_t axis) {
  // Exporters write -1 for "unknown".
  if (dim.value && *dim.value >= 0) return *dim.value;
  if (!dim.value && !dim.parameter.empty()) {
    auto parsed = Dim::parse(dim.parameter);
    if (parsed.ok() && parsed->is_valid()) {
      parsed->collect_symbols(&symbols_);
      return *parsed;
    }
    const Dim symbol = Dim::symbol(dim.parameter);
    symbol.collect_symbols(&symbols_);
    return symbol;
  }
  std::string fresh = fmt::format("{}_{}", name, axis);
  Dim symbol = Dim::symbol(fresh);
  while (symbols_.contains(symbol.symbol_name())) symbol = Dim::symbol(fresh += "_");
  symbols_.insert(symbol.symbol_name());
  return symbol;
}

TensorType Importer::read_type(const ValueData& data) {
  if (!data.is_tensor) {
    throw ImportError(Status(Code::kUnsupported, "it is no tensor")
                          .because("sequences, optionals, maps and sparse tensors are not known"));
  }
  const auto dtype = to_dtype(data.elem_type);
  if (!dtype) {
    throw ImportError(Status(Code::kUnsupported, fmt::format("its elements have type {}",
                                                             elem_type_text(data.elem_type))));
  }
  if (!data.shape) {
    throw ImportError(Status(Code::kUnsupported, "its rank is not known")
                          .fix("export the model with a shape for each input"));
  }
  if (data.shape->size() > kMaxRank) {
    throw ImportError(
        Status(Code::kModel, fmt::format("it has more than {} dimensions", kMaxRank)));
  }
  TensorType type{*dtype, {}};
  for (size_t i = 0; i < data.shape->size(); ++i) {
    type.shape.push_back(read_dim((*data.shape)[i], data.name, i));
  }
  return type;
}

// --- Inputs and constants.

Status Importer::add_inputs() {
  // Symbols of all inputs before names are made up.
  for (const ValueData& input : model_.inputs) {
    for (const DimData& dim : input.shape.value_or(std::vector<DimData>())) {
      if (!dim.parameter.empty()) read_dim(dim, input.name, 0);
    }
  }
  for (const ValueData& input : model_.inputs) {
    if (initializers_.contains(input.name)) continue;  // a constant with a declared type
    try {
      if (input.name.empty()) throw ImportError(Status(Code::kModel, "it has no name"));
      values_[input.name] = graph_.add_input(std::string(input.name), read_type(input));
    } catch (const ImportError& error) {
      Status status = error.status();
      return std::move(status).at(fmt::format("graph input '{}'", printable(input.name)));
    }
  }
  return ok();
}

Value* Importer::add_initializer(const InitializerData& initializer) {
  try {
    const std::string name(initializer.name);
    return graph_.add_constant(name, tensors_.read(initializer.tensor), name);
  } catch (const ImportError& error) {
    Status status = error.status();
    throw ImportError(
        std::move(status).at(fmt::format("initializer '{}'", printable(initializer.name))));
  }
}

Value* Importer::find(std::string_view name) {
  if (name.empty()) return nullptr;
  if (auto at = values_.find(name); at != values_.end()) return at->second;
  const auto at = initializers_.find(name);
  if (at == initializers_.end()) return nullptr;
  return values_[name] = add_initializer(*at->second);
}

// --- Nodes.

void check_row(const NodeData& node, const ImportRow* row, int64_t opset) {
  auto unsupported = [](std::string what) {
    throw ImportError(Status(Code::kUnsupported, std::move(what)));
  };
  if (!is_default_domain(node.domain)) {
    unsupported(fmt::format("operators of the domain '{}' are not known", printable(node.domain)));
  }
  for (const AttributeData& attribute : node.attributes) {
    if (attribute.type != kGraph && attribute.type != kGraphs) continue;
    unsupported(
        fmt::format("attribute '{}': sub-graphs are not supported", printable(attribute.name)));
  }
  if (!row) unsupported("there is no importer for this operator");
  const auto count = static_cast<int>(node.inputs.size());
  if (opset < row->since) {
    throw ImportError(Status(Code::kModel, fmt::format("it first appears in opset {}, the model "
                                                       "declares opset {}",
                                                       row->since, opset)));
  }
  if (count < row->min_inputs || (row->max_inputs >= 0 && count > row->max_inputs)) {
    throw ImportError(Status(Code::kModel, fmt::format("it has {} inputs", count)));
  }
}

Values Importer::call(const NodeData& node, const std::string& name, const Values& inputs) {
  const ImportRow* row = find_row(node.op_type);
  Call call(&graph_, &tensors_, node, name, *model_.opset, inputs);
  for (int i = 0; i < row->min_inputs; ++i) call.input(i);
  Values outputs = row->function(call);
  call.check_attributes();
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (i < outputs.size() || node.outputs[i].empty() || !used_.contains(node.outputs[i])) continue;
    call.unsupported(
        fmt::format("output {} ('{}') is not supported", i, printable(node.outputs[i])));
  }
  return outputs;
}

// A value that already stands for another tensor gets an Identity: one value per tensor.
void Importer::name_outputs(const NodeData& node, const std::string& name, Values outputs) {
  const size_t count = std::min(outputs.size(), node.outputs.size());
  for (size_t i = 0; i < count; ++i) {
    if (node.outputs[i].empty()) continue;
    Value* value = outputs[i];
    const std::string wanted(node.outputs[i]);
    if (value->is_graph_input() || !value->source().empty()) {
      NodeOptions options;
      options.name = name;
      value = value_or_throw(graph_.add("Identity", {}, {value}, std::move(options)));
    }
    graph_.rename(value, wanted);
    graph_.set_source(value, wanted);
    values_[node.outputs[i]] = value;
  }
}

// So that the nodes behind one that cannot be imported are looked at too, where the model tells the
// types of its outputs. The graph is not used after that.
void Importer::add_placeholders(const NodeData& node) {
  for (std::string_view output : node.outputs) {
    const auto info = infos_.find(output);
    if (info == infos_.end()) continue;
    try {
      values_[output] = graph_.add_input(std::string(output), read_type(*info->second));
    } catch (const ImportError&) {  // unknown after all
    }
  }
}

Status Importer::add_node(size_t index) {
  const NodeData& node = model_.nodes[index];
  const std::string name = node_name(node, index);
  Status status;
  try {
    check_row(node, find_row(node.op_type), *model_.opset);
    Values inputs;
    for (std::string_view input : node.inputs) {
      inputs.push_back(find(input));
      // What is behind a node with a problem has no types: nothing more to say about it.
      if (!inputs.back() && !input.empty()) return ok();
    }
    while (!inputs.empty() && !inputs.back()) inputs.pop_back();
    name_outputs(node, name, call(node, name, inputs));
    return ok();
  } catch (const ImportError& error) {
    status = error.status();
  } catch (const protozero::exception& error) {
    status = Status(Code::kModel, "a tensor is no valid protobuf message").because(error.what());
  }
  // Not about this operator: a missing file, lack of memory.
  if (status.code() != Code::kModel && status.code() != Code::kUnsupported &&
      status.code() != Code::kShape) {
    return status;
  }
  if (status.code() == Code::kUnsupported) problem_code_ = Code::kUnsupported;
  if (++num_problems_ <= kMaxReported) {
    const bool foreign = !is_default_domain(node.domain);
    problems_.push_back(fmt::format("\n  node '{}' ({}{}{}): {}", printable(name),
                                    foreign ? printable(node.domain) : "", foreign ? "." : "",
                                    printable(node.op_type), status.message()));
  }
  add_placeholders(node);
  return ok();
}

Status Importer::report() const {
  if (num_problems_ == 0) return ok();
  std::string text = num_problems_ == 1
                         ? std::string("1 operator cannot be imported:")
                         : fmt::format("{} operators cannot be imported:", num_problems_);
  for (const std::string& problem : problems_) text += problem;
  if (num_problems_ > problems_.size()) {
    text += fmt::format("\n  and {} more", num_problems_ - problems_.size());
  }
  Status status(problem_code_, std::move(text));
  if (problem_code_ != Code::kUnsupported) return status;
  return std::move(status).fix("`hone ops --from onnx` lists what can be imported");
}

// --- Outputs.

Status Importer::add_outputs() {
  std::unordered_set<std::string_view> names;
  for (const ValueData& output : model_.outputs) {
    Value* value = find(output.name);
    if (!value || !names.insert(output.name).second) {
      return Status(Code::kModel,
                    value ? "it is there twice" : "no node or input of this name exists")
          .at(fmt::format("graph output '{}'", printable(output.name)));
    }
    if (value->is_graph_input() || value->is_constant()) {
      NodeOptions options;
      options.name = std::string(output.name);
      value = value_or_throw(graph_.add("Identity", {}, {value}, std::move(options)));
    }
    graph_.add_output(value, std::string(output.name));
  }
  if (model_.outputs.empty()) return Status(Code::kModel, "the graph has no outputs");
  return ok();
}

Status check_opset(const ModelData& model) {
  if (!model.has_graph) return Status(Code::kModel, "the file holds no graph");
  if (!model.opset) return Status(Code::kModel, "the model does not declare its opset");
  if (*model.opset >= kOldestOpset && *model.opset <= kNewestOpset) return ok();
  return Status(Code::kUnsupported, fmt::format("opset {}", *model.opset))
      .because(fmt::format("opsets {} to {} can be imported", kOldestOpset, kNewestOpset))
      .fix("export the model with another opset, or convert it with onnx.version_converter");
}

Result<Graph> Importer::import() {
  HONE_RETURN_IF_ERROR(check_opset(model_));
  if (!model_.sparse_initializers.empty()) {
    return Status(Code::kUnsupported, "sparse initializers")
        .at(fmt::format("initializer '{}'", printable(model_.sparse_initializers.front())));
  }
  graph_.name = std::string(model_.graph_name);
  HONE_ASSIGN_OR_RETURN(const std::vector<size_t> order, topological_order(model_));
  for (const InitializerData& i : model_.initializers) initializers_.emplace(i.name, &i);
  for (const ValueData& info : model_.value_infos) infos_.emplace(info.name, &info);
  for (const NodeData& node : model_.nodes) used_.insert(node.inputs.begin(), node.inputs.end());
  for (const ValueData& output : model_.outputs) used_.insert(output.name);
  HONE_RETURN_IF_ERROR(add_inputs());
  for (size_t index : order) HONE_RETURN_IF_ERROR(add_node(index));
  HONE_RETURN_IF_ERROR(report());
  HONE_RETURN_IF_ERROR(add_outputs());
  return std::move(graph_);
}

Result<Graph> import_file(const std::shared_ptr<const MappedFile>& file) {
  const char* kExportAgain = "the file is damaged or no ONNX model; export the model again";
  try {
    const ModelData model = decode_model(file->view());
    return Importer(model, file).import();
  } catch (const ImportError& error) {
    return error.status();
  } catch (const protozero::exception& error) {
    return Status(Code::kModel, "it is no valid protobuf message")
        .because(error.what())
        .fix(kExportAgain);
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfResources, "not enough memory to import it");
  }
}

}  // namespace
}  // namespace onnx

Result<Graph> import_onnx(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  auto graph = onnx::import_file(file);
  if (graph.ok()) return graph;
  Status status = graph.status();
  return std::move(status).at(path);
}

// A ModelProto begins with its ir_version (field 1, a varint), which was 3 when opset 7 appeared.
// A TensorFlow SavedModel begins alike, with the version 1; a GraphDef with a message.
bool looks_like_onnx(std::string_view head_bytes) {
  try {
    protozero::pbf_reader in(protozero::data_view(head_bytes.data(), head_bytes.size()));
    if (!in.next() || in.tag_and_type() != onnx::varint_field(1)) return false;
    const int64_t ir_version = in.get_int64();
    if (ir_version < 3 || ir_version > 100 || !in.next()) return false;
    switch (in.tag_and_type()) {
      case onnx::bytes_field(2):   // producer_name
      case onnx::bytes_field(3):   // producer_version
      case onnx::bytes_field(4):   // domain
      case onnx::varint_field(5):  // model_version
      case onnx::bytes_field(6):   // doc_string
      case onnx::bytes_field(7):   // graph
      case onnx::bytes_field(8):   // opset_import
        return true;
      default:
        return false;
    }
  } catch (const protozero::exception&) {
    return false;
  }
}

std::vector<ImportableOp> onnx_ops() {
  std::vector<ImportableOp> list;
  for (const onnx::ImportRow& row : onnx::importer_table()) {
    list.push_back({row.op_type, row.limits});
  }
  return list;
}

}  // namespace hone

// SavedModel in, SavedModel with engines out. Start at convert_saved_model() below.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/log.h"
#include "builder/build.h"
#include "hone/tensorflow.h"
#include "importers/tensorflow/import.h"
#include "importers/tensorflow/saved_model.h"
#include "tensorflow/rewrite.h"
#include "tensorflow/segmenter.h"

namespace hone::tensorflow {
namespace {

struct Source {
  tf::SavedModel model;
  tf::FrozenGraph frozen;
  std::string signature;
};

Result<Source> read_source(const std::string& directory, const std::string& signature,
                           const std::vector<std::string>& tags) {
  Source source;
  HONE_ASSIGN_OR_RETURN(source.model, tf::read_saved_model(directory, tags));
  HONE_ASSIGN_OR_RETURN(source.signature, tf::choose_signature(source.model.meta, signature));
  HONE_ASSIGN_OR_RETURN(source.frozen, tf::freeze_signature(source.model, source.signature));
  return source;
}

Result<tf::TypeHints> read_hints(const ConvertOptions& options) {
  tf::TypeHints hints;
  for (const auto& [tensor, hint] : options.type_hints) {
    TensorType type;
    if (!parse_dtype(hint.first, &type.dtype)) {
      return Status(Code::kInvalidArgument,
                    fmt::format("type hint of '{}': unknown dtype '{}'", tensor, hint.first));
    }
    for (size_t i = 0; i < hint.second.size(); ++i) {
      type.shape.push_back(hint.second[i] >= 0 ? Dim(hint.second[i])
                                               : Dim::symbol(fmt::format("{}_{}", tensor, i)));
    }
    hints[tensor] = std::move(type);
  }
  return hints;
}

// What remains in the converted graph must not need state that the conversion does not carry over.
Status check_state(const tf::FrozenGraph& frozen) {
  for (const tf::NodeDef& node : frozen.graph.nodes) {
    if (node.op == "HoneEngineOp") {
      return Status(
                 Code::kUnsupported,
                 fmt::format("node '{}' is an engine: this model is converted already", node.name))
          .fix("convert the original model");
    }
    if (node.op != "VarHandleOp" && node.op.find("HashTable") == std::string::npos) continue;
    return Status(Code::kUnsupported,
                  fmt::format("node '{}' ({}) holds state that is set up outside of the signature",
                              node.name, node.op))
        .fix("this version converts models whose signature only reads variables");
  }
  return ok();
}

std::string engine_name(size_t index) { return fmt::format("HoneEngineOp_000_{:03}", index); }

std::vector<std::string> texts(const std::vector<std::string>& tensors, const tf::TypeHints& types,
                               bool shapes) {
  std::vector<std::string> result;
  for (const std::string& tensor : tensors) {
    const TensorType& type = types.find(tensor)->second;
    if (!shapes) {
      result.push_back(tf::type_name(tf::to_tf(type.dtype)));
      continue;
    }
    tf::ShapeProto proto;
    for (const Dim& dim : type.shape) proto.dims.push_back(dim.is_const() ? dim.value() : -1);
    result.push_back(tf::to_string(proto));
  }
  return result;
}

EngineReport engine_report(const tf::FrozenGraph& frozen, const tf::Segment& segment,
                           const tf::TypeHints& types, std::string name) {
  EngineReport report;
  report.name = std::move(name);
  std::map<std::string, int> counts;
  for (size_t i : segment.nodes) {
    const std::string& op = frozen.graph.nodes[i].op;
    if (is_free_op(op)) continue;
    ++counts[op];
    ++report.nodes;
  }
  report.op_counts.assign(counts.begin(), counts.end());
  report.input_names = segment.inputs;
  report.output_names = segment.outputs;
  report.input_dtypes = texts(segment.inputs, types, false);
  report.output_dtypes = texts(segment.outputs, types, false);
  report.input_shapes = texts(segment.inputs, types, true);
  report.output_shapes = texts(segment.outputs, types, true);
  return report;
}

// Collects, per (op, reason), the nodes that stay in TensorFlow.
class Reasons {
 public:
  void add(const tf::NodeDef& node, const std::string& reason, const std::string& fix) {
    if (is_free_op(node.op)) return;
    Unconverted& entry = entries_[{node.op, reason}];
    entry.op = node.op;
    entry.reason = reason;
    entry.fix = fix;
    entry.nodes.push_back(node.name);
  }
  std::vector<Unconverted> take() {
    std::vector<Unconverted> list;
    for (auto& [key, entry] : entries_) list.push_back(std::move(entry));
    return list;
  }

 private:
  std::map<std::pair<std::string, std::string>, Unconverted> entries_;
};

struct Segmentation {  // what segmentation gives
  tf::Analysis analysis;
  std::vector<tf::Segment> segments;
  Reasons reasons;
};

Result<Segmentation> segment(const Source& source, const ConvertOptions& options) {
  Segmentation plan;
  HONE_ASSIGN_OR_RETURN(const tf::TypeHints hints, read_hints(options));
  plan.analysis =
      tf::analyze(source.frozen, hints, {options.op_denylist.begin(), options.op_denylist.end()});
  std::vector<size_t> too_small;
  plan.segments =
      find_segments(source.frozen, plan.analysis,
                    {options.minimum_segment_size, options.maximum_engines}, &too_small);
  const auto& nodes = source.frozen.graph.nodes;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const tf::NodeVerdict& verdict = plan.analysis.verdicts[i];
    if (!verdict.importable && !verdict.reason.empty())
      plan.reasons.add(nodes[i], verdict.reason, verdict.fix);
  }
  for (size_t i : too_small) {
    plan.reasons.add(
        nodes[i],
        fmt::format("its segment has fewer than {} nodes, or is not among the {} largest",
                    options.minimum_segment_size, options.maximum_engines),
        "lower the minimum segment size");
  }
  return plan;
}

void finish_report(const tf::FrozenGraph& frozen, Reasons& reasons, Report* report) {
  report->unconverted = reasons.take();
  for (const EngineReport& engine : report->engines) report->converted_nodes += engine.nodes;
  for (const tf::NodeDef& node : frozen.graph.nodes) report->total_nodes += !is_free_op(node.op);
}

// Profiles for an engine whose inputs are the model's own inputs: the shapes that were seen.
std::vector<Profile> engine_profiles(const Source& source, const tf::Segment& segment,
                                     const tf::TypeHints& types, const ConvertOptions& options) {
  std::vector<Profile> profiles;
  for (const auto& sample : options.input_shapes) {
    // The values of the symbols in this sample; then every input of the engine has a shape.
    SymbolValues symbols;
    for (const tf::FrozenGraph::Port& port : source.frozen.inputs) {
      const auto given = sample.find(port.key);
      const auto type = types.find(full_tensor_name(port.tensor));
      if (given == sample.end() || type == types.end() ||
          given->second.size() != type->second.shape.size())
        continue;
      for (size_t d = 0; d < given->second.size(); ++d) {
        const Dim& dim = type->second.shape[d];
        if (dim.is_symbol()) symbols.try_emplace(dim.symbol_name(), given->second[d]);
      }
    }
    Profile profile;
    for (const std::string& tensor : segment.inputs) {
      auto shape = eval_shape(types.find(tensor)->second.shape, symbols);
      if (shape.ok()) profile[tensor] = {*shape, *shape, *shape};
    }
    if (profile.size() == segment.inputs.size() &&
        std::find_if(profiles.begin(), profiles.end(), [&](const Profile& p) {
          return p.begin()->second.opt == profile.begin()->second.opt;
        }) == profiles.end()) {
      profiles.push_back(std::move(profile));
    }
  }
  return profiles;
}

Result<std::string> build_engine(const Source& source, const tf::Segment& segment,
                                 const tf::TypeHints& types, const ConvertOptions& options,
                                 const std::string& name) {
  HONE_ASSIGN_OR_RETURN(Graph graph, tf::import_segment(source.frozen, segment, types));
  graph.name = name;
  BuildOptions build = options.build;
  build.portable = true;  // a converted model may be loaded on another machine
  build.profiles = engine_profiles(source, segment, types, options);
  HONE_ASSIGN_OR_RETURN(const PlanData data, build_plan(std::move(graph), build));
  return write_plan(data);
}

}  // namespace

Result<Conversion> convert_saved_model(const std::string& directory,
                                       const ConvertOptions& options) {
  HONE_ASSIGN_OR_RETURN(const Source source,
                        read_source(directory, options.signature, options.tags));
  HONE_RETURN_IF_ERROR(check_state(source.frozen));
  HONE_ASSIGN_OR_RETURN(Segmentation plan, segment(source, options));
  Conversion conversion;
  std::vector<EngineNode> engines;
  for (const tf::Segment& segment : plan.segments) {
    const std::string name = engine_name(engines.size());
    auto bytes = build_engine(source, segment, plan.analysis.types, options, name);
    if (!bytes.ok()) {
      // One engine that cannot be built never fails the conversion; cancelling does.
      if (bytes.status().code() == Code::kCancelled) return bytes.status();
      log_warning("{} stays in TensorFlow: {}", name, bytes.status().message());
      for (size_t i : segment.nodes) {
        plan.reasons.add(source.frozen.graph.nodes[i],
                         "its engine could not be built: " + bytes.status().message(), "");
      }
      continue;
    }
    EngineReport report = engine_report(source.frozen, segment, plan.analysis.types, name);
    report.plan = std::move(*bytes);
    engines.push_back(
        {name, hash128(report.plan).hex(), name + ".plan", segment, options.build.threads});
    conversion.report.engines.push_back(std::move(report));
  }
  finish_report(source.frozen, plan.reasons, &conversion.report);
  HONE_ASSIGN_OR_RETURN(conversion.saved_model,
                        write_converted_model(source.frozen, plan.analysis.types, engines,
                                              source.signature, options.tags));
  for (const auto& port : source.frozen.inputs)
    conversion.inputs.emplace_back(port.key, port.tensor);
  for (const auto& port : source.frozen.outputs)
    conversion.outputs.emplace_back(port.key, port.tensor);
  return conversion;
}

Result<Report> summarize_saved_model(const std::string& directory, const ConvertOptions& options) {
  HONE_ASSIGN_OR_RETURN(const Source source,
                        read_source(directory, options.signature, options.tags));
  HONE_ASSIGN_OR_RETURN(Segmentation plan, segment(source, options));
  Report report;
  for (const tf::Segment& segment : plan.segments) {
    report.engines.push_back(engine_report(source.frozen, segment, plan.analysis.types,
                                           engine_name(report.engines.size())));
  }
  finish_report(source.frozen, plan.reasons, &report);
  return report;
}

Result<std::string> frozen_graph_def(const std::string& directory, const std::string& signature,
                                     const std::vector<std::string>& tags) {
  HONE_ASSIGN_OR_RETURN(const Source source, read_source(directory, signature, tags));
  return tf::serialize(source.frozen.graph);
}

}  // namespace hone::tensorflow

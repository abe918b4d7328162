// TensorFlow models converted so that supported sub-graphs become HoneEngineOp nodes, each with a
// plan, and TensorFlow runs the rest. No TensorFlow is linked or needed to convert.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hone/builder.h"

namespace hone::tensorflow {

struct ConvertOptions {
  std::string signature;  // empty = "serving_default"
  std::vector<std::string> tags = {"serve"};
  int minimum_segment_size = 3;          // nodes that compute; smaller segments stay in TensorFlow
  int maximum_engines = 20;              // keep the largest; <= 0 = no limit
  std::vector<std::string> op_denylist;  // op types that stay in TensorFlow
  BuildOptions build;                    // profiles are ignored; see input_shapes
  // Types of tensors of the frozen graph ("node:0") that an operator unknown to Hone produces:
  // dtype name
  // ("f32") and shape with kAny. Without them, what depends on such tensors stays in TensorFlow.
  std::map<std::string, std::pair<std::string, std::vector<int64_t>>> type_hints;
  // Input name -> one shape per sample seen by build(input_fn): what the plans are tuned for.
  std::vector<std::map<std::string, std::vector<int64_t>>> input_shapes;
};

// Why one kind of operator stays in TensorFlow.
struct Unconverted {
  std::string op, reason, fix;
  std::vector<std::string> nodes;
};

struct EngineReport {
  std::string name;  // node name, "HoneEngineOp_000_000"
  std::vector<std::pair<std::string, int>>
      op_counts;  // TensorFlow op type -> nodes, sorted by type
  std::vector<std::string> input_names, output_names;    // TensorFlow tensor names
  std::vector<std::string> input_dtypes, output_dtypes;  // "float32"
  std::vector<std::string> input_shapes, output_shapes;  // "[-1, 224, 224, 3]"
  int nodes = 0;
  std::string plan;  // bytes of the plan; empty in a summary
};

struct HONE_API Report {
  std::vector<EngineReport> engines;         // sorted by name
  std::vector<Unconverted> unconverted;      // one entry per (op, reason)
  int converted_nodes = 0, total_nodes = 0;  // without Const, NoOp, placeholders
  std::string text() const;                  // for people
};

// The result of a conversion: a SavedModel with one HoneEngineOp per segment, and a plan per engine
// (in report.engines). inputs and outputs map signature keys to tensor names ("x" ->
// "serving_default_x:0").
struct HONE_API Conversion {
  Report report;
  std::string saved_model;  // serialized; plans are its assets, loaded by its init op
  std::vector<std::pair<std::string, std::string>> inputs, outputs;

  // Writes DIRECTORY/saved_model.pb and DIRECTORY/assets/<engine>.plan; written aside and renamed,
  // so that nothing half-written is left. Errors: kIo, also when the directory exists and is not
  // empty.
  Status save(const std::string& directory) const;
};

HONE_API Result<Conversion> convert_saved_model(const std::string& directory,
                                                const ConvertOptions& options);

// The signature as one serialized GraphDef without variables and function calls: what segments are
// cut from. With TensorFlow at hand, its shape inference over this graph gives
// ConvertOptions::type_hints.
HONE_API Result<std::string> frozen_graph_def(const std::string& directory,
                                              const std::string& signature = "",
                                              const std::vector<std::string>& tags = {"serve"});
// Segments only: what would be converted, what not and why. Builds nothing.
HONE_API Result<Report> summarize_saved_model(const std::string& directory,
                                              const ConvertOptions& options);

}  // namespace hone::tensorflow

// SavedModel directories and model files, read without TensorFlow.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"
#include "importers/tensorflow/bundle.h"
#include "importers/tensorflow/graph_def.h"

namespace hone::tf {

struct SavedModel {
  std::string directory;
  MetaGraph meta;
  std::shared_ptr<const Bundle> variables;  // null: the model has none
};

// Reads the meta graph whose tags are exactly `tags` (empty: the only one). kIo and kModel with
// file and place; kUnsupported for text form. Constants and variables stay in the mapped files.
Result<SavedModel> read_saved_model(const std::string& directory,
                                    const std::vector<std::string>& tags = {"serve"});

// The signature called `name`; empty: "serving_default", else the only one that is not TensorFlow's
// own "__saved_model_init_op". The error lists the names there are.
Result<std::string> choose_signature(const MetaGraph& meta, std::string_view name);

enum class ModelFormat {
  kSavedModel,  // a directory with saved_model.pb (or .pbtxt, which read_saved_model refuses)
  kGraphDef,    // a binary GraphDef
  kOnnx,        // a binary ONNX ModelProto
  kOther,
};
// By content. kIo when there is nothing at `path` or it cannot be read.
Result<ModelFormat> detect_format(const std::string& path);
// True when `bytes` (a whole file) look like an ONNX ModelProto; reads field headers only.
bool looks_like_onnx(std::string_view bytes);

}  // namespace hone::tf

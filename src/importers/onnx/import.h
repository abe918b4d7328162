// Reads ONNX models into graphs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

// The model of an ONNX file. External data lies next to the file. Spatial operators get Transposes
// around them, for Hone's take channels last; composite operators are decomposed. Value names are
// ONNX's tensor names, node sources its node names ("<type>_<index>" where there is none).
//
// Constants are borrowed from the mapped files, which must be replaced by renaming only.
// Errors, all with the path: kIo; kModel (the file is damaged or contradicts itself);
// kOutOfResources; kUnsupported: one message with every operator that cannot be imported.
Result<Graph> import_onnx(const std::string& path);

// Whether a file that begins with these bytes (a few dozen are enough) is an ONNX model.
bool looks_like_onnx(std::string_view head_bytes);

struct ImportableOp {
  std::string op;
  std::string limits;  // what of it cannot be imported; empty: nothing known
};
// All operators that can be imported, sorted by name.
std::vector<ImportableOp> onnx_ops();

}  // namespace hone

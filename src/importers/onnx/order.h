// The order in which the nodes of a model can be imported.
#pragma once

#include <vector>

#include "hone/status.h"
#include "importers/onnx/model.h"

namespace hone::onnx {

// "Conv_3" where a node has no name: its operator and its position in the file.
std::string node_name(const NodeData& node, size_t index);

// Positions of the nodes, each after its producers, else in the order of the file. kModel, with the
// node: a tensor is defined twice or not at all, or nodes form a cycle.
Result<std::vector<size_t>> topological_order(const ModelData& model);

}  // namespace hone::onnx

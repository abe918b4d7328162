// The inside of hone::Model.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "hone/builder.h"

namespace hone {

struct Model::Impl {
  Graph graph;
  std::vector<TensorInfo> inputs, outputs;
  std::string source, format;
};

Model make_model(Graph graph, std::string source, std::string format);

}  // namespace hone

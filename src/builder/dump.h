// --dump-graphs: the graph after each stage as text, one file per stage.
#pragma once

#include <string>

#include "graph/graph.h"

namespace hone {

class GraphDump {
 public:
  // `directory` empty: dumps nothing. Made if missing.
  explicit GraphDump(std::string directory) : directory_(std::move(directory)) {}
  // DIRECTORY/03_fuse_conv_batch_norm.txt. Errors: kIo.
  Status write(const std::string& stage, const Graph& graph);

 private:
  std::string directory_;
  int count_ = 0;
};

}  // namespace hone

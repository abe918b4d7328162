// What fuse_layer_norm looks for.
#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace hone {

// A normalization spelled out in arithmetic, up to `root`.
struct NormMatch {
  Value* data = nullptr;
  bool centred = true;  // false: RMS
  std::vector<int64_t> axes;
  double epsilon = 0;
  Value* scale = nullptr;          // null: none
  Value* bias = nullptr;           // null: none
  std::vector<const Node*> nodes;  // what it consists of, without constants
};

// Nothing unless the result has the shape of the data.
std::optional<NormMatch> match_norm(Node* root);

}  // namespace hone

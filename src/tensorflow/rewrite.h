// The converted graph: engine nodes in place of segments, and the SavedModel around it.
#pragma once

#include <string>
#include <vector>

#include "hone/status.h"
#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/import.h"

namespace hone::tensorflow {

struct EngineNode {
  std::string name;      // "HoneEngineOp_000_000"
  std::string plan_key;  // content hash of the plan
  std::string asset;     // file name below assets/
  tf::Segment segment;
  int threads = 0;
};

// A serialized SavedModel (TF1 style: graph, signature, an init op that loads the plans from
// assets/). Errors: kOutOfResources when what stays in TensorFlow exceeds 2 GiB.
Result<std::string> write_converted_model(const tf::FrozenGraph& frozen, const tf::TypeHints& types,
                                          const std::vector<EngineNode>& engines,
                                          const std::string& signature,
                                          const std::vector<std::string>& tags);

}  // namespace hone::tensorflow

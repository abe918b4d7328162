// Which nodes of a TensorFlow graph become engines: convex groups of importable nodes.
#pragma once

#include <string>
#include <vector>

#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/import.h"

namespace hone::tensorflow {

struct SegmentOptions {
  int minimum_size = 3;      // nodes that compute
  int maximum_engines = 20;  // the largest are kept; <= 0: no limit
};

// As TF-TRT: neighbours grow together from the outputs towards the inputs as long as no path leaves
// the group and comes back (so that the engines can be ordered); groups that are too small are
// dropped. Deterministic. Result: nodes in topological order, inputs and outputs as tensor names
// ("node:0"), largest segment first. `too_small` (may be null): the dropped groups' nodes.
std::vector<tf::Segment> find_segments(const tf::FrozenGraph& frozen, const tf::Analysis& analysis,
                                       const SegmentOptions& options,
                                       std::vector<size_t>* too_small);

// Nodes that do not compute anything: they do not count for the size of a segment, nor in reports.
bool is_free_op(const std::string& op);

// "node", "node:1" -> node index (or -1) and full tensor name.
std::string full_tensor_name(const std::string& reference);

}  // namespace hone::tensorflow

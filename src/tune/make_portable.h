// Graph -> the portable part of a plan: the last use of the graph.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/plan.h"

namespace hone {

struct PortableOptions {
  std::vector<PlanProfile> profiles;
  bool strict_fp32 = false;
};

// REQUIRES: the graph verifies. Graph outputs that are inputs, constants or listed twice get an
// Identity step, so that every plan output is a computed value of its own. Errors: kUnsupported
// where an output's size would be known only while running.
Result<Portable> make_portable(Graph& graph, const PortableOptions& options);

}  // namespace hone

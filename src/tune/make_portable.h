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
// Identity step, so that every plan output is a computed value of its own. Sizes that depend on
// values get a symbol each, to which the step that finds them out gives a value
// (docs/adr/0005-binding-in-stages.md); types are inferred anew for that. Errors: kUnsupported
// where no step would.
Result<Portable> make_portable(Graph& graph, const PortableOptions& options);

}  // namespace hone

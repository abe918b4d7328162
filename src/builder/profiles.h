// Profiles of a build: the user's ranges checked against the model, or defaults.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "hone/builder.h"
#include "plan/plan.h"

namespace hone {

// One PlanProfile per profile of the options. Without profiles, where the model has free
// dimensions: one with dimension 0 at 1 and other unknowns at 128; `warning` then names the
// dimensions. Errors: kInvalidArgument (unknown input, wrong rank, min > opt or opt > max, against
// fixed dimensions).
Result<std::vector<PlanProfile>> make_profiles(const Graph& graph, const BuildOptions& options,
                                               std::string* warning);

}  // namespace hone

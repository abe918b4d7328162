// build(): a graph becomes a plan. Read build.cc first: each stage is one call.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "hone/builder.h"
#include "plan/plan.h"

namespace hone {

// What the public build() does, for callers that have a Graph (the TensorFlow converter). The graph
// is consumed. Warnings for people go to the log.
Result<PlanData> build_plan(Graph graph, const BuildOptions& options);

}  // namespace hone

// How many operators are left after each stage of a build.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

// Operators that have work to do: all but Identity, Reshape and its kin, Split, and Slice of one
// range, which only say where bytes are.
struct StageCount {
  std::string stage;
  int operators = 0;
};

// For a graph as it was imported, without timing anything:
//   imported          operators of the source model
//   fused             nodes after the passes that always pay
//   siblings merged   after the alternatives that are taken without timings
//   views elided      steps that run: a Concat is gone where its producers write into the result
Result<std::vector<StageCount>> count_stages(const Graph& imported);

}  // namespace hone

// The passes that always pay, in order. Start reading at the array in pipeline.cc.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/alternative.h"
#include "graph/graph.h"

namespace hone {

struct Pass {
  const char* name;
  // True when it changed something. Leaves the reference result unchanged (reassociation within the
  // pass's stated bound) and is a no-op the second time.
  Result<bool> (*run)(Graph&);
};
std::span<const Pass> all_passes();

struct PassTiming {
  std::string name;
  double milliseconds = 0;
  bool changed = false, disabled = false;
};

struct PipelineOptions {
  // Called after each pass that changed the graph: pass name, graph.
  std::function<void(const std::string&, const Graph&)> dump;
  // Asked between passes; false = cancel.
  std::function<bool()> keep_going;
};

// Runs all passes (HONE_DISABLE_PASS=name,name leaves some out), and verifies the graph after each
// when built for debugging or with HONE_VERIFY=1.
Result<std::vector<PassTiming>> run_passes(Graph& graph, const PipelineOptions& options = {});

// What might pay on some machines; order and ids are deterministic.
std::vector<Alternative> find_alternatives(const Graph& graph);

}  // namespace hone

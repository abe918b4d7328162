// `hone bench --vs`: the user's own model in Hone and in other runtimes, in turns.
#pragma once

#include <string>
#include <vector>

#include "bench_statistics.h"
#include "bench_stream.h"
#include "hone/builder.h"
#include "json.h"

namespace hone::tools {

struct VersusOptions {
  std::string runtimes;   // "onnxruntime,openvino"; empty: none
  std::string signature;  // of a SavedModel; empty: the usual one
};

struct VersusRow {
  std::string runtime, version;
  double min = 0, p50 = 0;  // milliseconds
  double difference = 0;    // of the outputs from Hone's, as a share of their range
  std::vector<double> round_minima;
};

struct Versus {
  int rounds = 0, threads = 1;
  std::vector<VersusRow> rows;  // Hone first
  // The best peer's minimum / Hone's in the same round; the quartiles over the rounds.
  Quartiles ratio;
};

// Errors: kInvalidArgument: a runtime is unknown or does not read such models.
Status check_versus(const VersusOptions& options, const Model& model);

// Every runtime is a process of its own with the engine's number of threads and the same inputs
// (in the engine's order); they take turns, another one first in each round, `seconds` for each in
// all. Outputs are compared first. Errors: kUnsupported: a runtime is missing or refuses the model.
Result<Versus> measure_versus(const VersusOptions& options, const Model& model,
                              const Engine& engine, const std::vector<Tensor>& inputs,
                              Stream* stream, double seconds);

std::string versus_table(const Versus& versus);
Json versus_json(const Versus& versus);

}  // namespace hone::tools

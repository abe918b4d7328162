// Times one step under several tactics and configurations, side by side.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "lower/lower.h"
#include "tactics/tactic.h"

namespace hone {

struct TimedCandidate {
  const Tactic* tactic = nullptr;
  Config config;
  double milliseconds = -1;  // minimum; < 0 = not timed
};

// Runs the candidates in interleaved rounds and keeps the minimum of each; drops those that are 1.4
// times slower than the best after two rounds, or after eight where a few milliseconds decide.
// Weights larger than the L2 cache are read from memory that was not touched recently, as in a
// network. `step` has concrete shapes and its constants. `stop` is asked between runs; when it says
// true, the rest stays as it is. A candidate whose run fails stays untimed.
Status time_candidates(const StepDesc& step, const Target& target,
                       const std::function<bool()>& stop, std::vector<TimedCandidate>* candidates);

}  // namespace hone

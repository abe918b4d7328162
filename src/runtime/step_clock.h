// Times of the steps of one profiled run.
#pragma once

#include <vector>

#include "base/busy_times.h"
#include "hone/engine.h"

namespace hone {

class StepClock {
 public:
  // Its thread is the one that runs. `threads`: of the engine.
  explicit StepClock(int threads) : busy_(threads) {}

  void begin();
  void end();

  struct Step {
    double milliseconds = 0;
    std::vector<WorkerProfile> workers;
  };
  // In the order in which they ran.
  const std::vector<Step>& steps() const { return steps_; }

 private:
  BusyTimes busy_;
  BusyTimes::Clock::time_point begin_;
  std::vector<Step> steps_;
};

}  // namespace hone

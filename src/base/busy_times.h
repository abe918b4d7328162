// Which threads of the pool worked, and how long: for profiles of single steps.
#pragma once

#include <chrono>
#include <vector>

namespace hone {

// While an object lives, the parallel jobs of the thread that made it are timed: two readings of
// the clock for each range of items. Jobs of other threads are not, and cost nothing.
class BusyTimes {
 public:
  using Clock = std::chrono::steady_clock;
  struct alignas(64) Worker {
    Clock::time_point begin, end;  // of its first and last range
    Clock::duration busy{0};       // sum over its ranges; 0: it had none
  };

  // For jobs of at most `threads` threads. REQUIRES: the calling thread has no other such object.
  explicit BusyTimes(int threads);
  ~BusyTimes();
  BusyTimes(const BusyTimes&) = delete;
  BusyTimes& operator=(const BusyTimes&) = delete;

  void reset();
  // By the worker's number, since reset(). Stable while no job runs.
  const std::vector<Worker>& workers() const { return workers_; }

 private:
  friend class ThreadPool;
  void add(int worker, Clock::time_point begin, Clock::time_point end);
  std::vector<Worker> workers_;
};

}  // namespace hone

// The pool of worker threads. There is one per process, shared by all engines; no thread exists
// before the first parallel run, none after fork() in the child (which starts its own when needed).
#pragma once

#include <cstdint>
#include <memory>

#include "base/function_ref.h"

namespace hone {

class ThreadPool {
 public:
  // body(begin, end, worker): do the items [begin, end) as worker number `worker`.
  using Body = FunctionRef<void(int64_t begin, int64_t end, int worker)>;

  static constexpr int kMaxThreads = 255;  // per job, the caller included
  static constexpr int64_t kMaxItems = int64_t{1} << 62;

  // The pool of this process: as many threads as usable CPUs, less the caller. Never destroyed.
  static ThreadPool& global();

  // A pool of its own, for tests. `workers` threads are started by the first parallel run.
  explicit ThreadPool(int workers);
  ~ThreadPool();  // REQUIRES: no parallel_for is running
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Workers and the caller together: more than this many threads never work on one job.
  int size() const;

  // Runs `body` over [0, items) in disjoint ranges, on the caller and at most max_threads - 1
  // workers, and returns when all are done; what they wrote is visible to the caller then.
  // Ranges begin at multiples of `grain` and are at least `grain` long but for the last. They are
  // handed out in ascending order to whoever is free; how many there are and who gets which depends
  // on timing, so results must not. `worker` is below max_threads and differs between threads that
  // work on this job at the same time; the caller is 0.
  // The caller never waits for a worker that has not begun: with all workers busy or asleep it does
  // everything itself. Any number of threads may call at once; free workers help any of them.
  // A call from inside a body runs on the calling thread alone, as worker 0.
  // No allocation, no lock, about 0.5 us with workers awake; idle workers spin 50 us, then sleep.
  // REQUIRES: max_threads >= 1, grain >= 1, items <= kMaxItems; body does not throw, and does not
  // fork() and go on in the child.
  void parallel_for(int max_threads, int64_t items, Body body, int64_t grain = 1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone

// The run states of one engine: as many as there were calls at the same time, used again and again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "error.h"
#include "hone/c.h"
#include "tensors.h"

namespace hone::tf_op {

// What one call needs for itself. One thread at a time.
struct RunState {
  RunState() = default;
  RunState(const RunState&) = delete;
  RunState& operator=(const RunState&) = delete;
  ~RunState() { hn_context_free(context); }

  hn_context* context = nullptr;  // owned
  InputTensors inputs;
  OutputTensors outputs;
};

// Any thread may use it. The lock is held to move one pointer, never while a context is made or
// runs.
class ContextPool {
 public:
  // `engine` is not owned and must outlive the pool.
  explicit ContextPool(const hn_engine* engine) : engine_(engine) {}

  // The last state that was given back (its memory is warmest), or a new one when all are in use.
  Error take(std::unique_ptr<RunState>* state);
  // Releases the tensors of the call and keeps the state for the next one.
  void give(std::unique_ptr<RunState> state) noexcept;

 private:
  const hn_engine* engine_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<RunState>> idle_;
};

}  // namespace hone::tf_op

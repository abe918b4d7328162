#include "context_pool.h"

#include <utility>

namespace hone::tf_op {

Error ContextPool::take(std::unique_ptr<RunState>* state) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      *state = std::move(idle_.back());
      idle_.pop_back();
      return {};
    }
  }
  auto fresh = std::make_unique<RunState>();
  if (Error error = from_hone(hn_context_create(engine_, &fresh->context))) return error;
  *state = std::move(fresh);
  return {};
}

void ContextPool::give(std::unique_ptr<RunState> state) noexcept {
  state->inputs.release();
  state->outputs.release();
  try {
    std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(state));
  } catch (...) {
    // No memory to remember it: it is freed, the next call makes another.
  }
}

}  // namespace hone::tf_op

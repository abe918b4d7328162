// One caller of an engine: a context, inputs, and output memory that is reused, so that only the
// engine is measured.
#pragma once

#include <atomic>
#include <chrono>
#include <vector>

#include "base/tensor.h"
#include "hone/engine.h"

namespace hone::tools {

class Stream {
 public:
  // `inputs` must live as long.
  Stream(const Engine& engine, const std::vector<Tensor>& inputs);

  Status run();
  // At least two runs: the first binds shapes and touches all memory.
  Status warm_up(double seconds);
  // At least one run; stops early when another stream has failed, and tells the others when this
  // one has: see status(). Times are added to milliseconds().
  void measure(double seconds, std::atomic<bool>* stop);

  const Status& status() const { return status_; }
  const std::vector<double>& milliseconds() const { return milliseconds_; }
  void forget_times() { milliseconds_.clear(); }
  ExecutionContext& context() { return context_; }
  const std::vector<TensorView>& views() const { return views_; }

 private:
  ExecutionContext context_;
  std::vector<TensorView> views_;
  std::vector<std::vector<std::byte>> outputs_;
  std::vector<double> milliseconds_;
  Status status_;
};

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace hone::tools

// Running plans. This header, status.h, types.h and c.h are all that libhone_runtime implements.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hone/types.h"

namespace hone {

struct EngineOptions {
  int threads = 0;  // threads that work on one run; 0 = all CPUs this process may use
  bool copy_weights =
      false;  // read the file instead of mapping it: for files that others may change
};

// What one thread did during a step.
struct WorkerProfile {
  double begin = 0, end = 0;  // milliseconds from the step's begin: of its first and last work
  double busy = 0;            // milliseconds of work in between
};

// Time of one step in a profiled run.
struct StepProfile {
  std::string name;    // source node names, "conv1 + bn1 + relu1"
  std::string op;      // "Conv"
  std::string tactic;  // "conv_direct_avx2"
  double milliseconds = 0;
  double gflop = 0;  // arithmetic work, 0 where not defined
  double bytes = 0;  // of its operands, weights too, each read or written once
  // The caller first, then the threads that helped; one of no work has busy 0.
  std::vector<WorkerProfile> workers;
};

// What `hone inspect` prints for each step of a plan.
struct StepInfo {
  std::string name, op, tactic, config, precision, output_shapes;
  int64_t weight_bytes = 0, workspace_bytes = 0;
  double tuned_milliseconds = -1;    // from the timing cache at build time; < 0: not timed
  std::vector<std::string> sources;  // source node names
  std::vector<std::pair<std::string, std::string>> rejected;  // tactic, reason it was not chosen
  std::string notes;  // "in place", "view of concat_3", "copied: ..."
};

class ExecutionContext;

// A loaded plan: immutable, shared by any number of contexts and threads. Copying shares it.
class HONE_API Engine {
 public:
  // Loads, verifies (checksums and meaning) and, if the plan has no tuned part for this machine,
  // lowers its portable part. Errors: kIo, kPlan, kDevice, kOutOfResources.
  static Result<Engine> load(const std::string& path, const EngineOptions& options = {});
  static Result<Engine> load_bytes(std::string_view plan, const EngineOptions& options = {});

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  std::vector<StepInfo> steps() const;
  // Table of steps for people: tactic, shapes, memory.
  std::string summary() const;
  // Bytes of weights (shared by all contexts).
  int64_t weight_bytes() const;

  ExecutionContext create_context() const;

  struct Impl;
  explicit Engine(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// Allocates an output whose shape is now known; returns memory for `bytes` bytes (64-byte alignment
// preferred) that stays valid until the caller releases it, or nullptr to fail the run.
using OutputAllocator = std::function<void*(size_t index, const std::vector<int64_t>& shape,
                                            DataType dtype, size_t bytes)>;

// A tensor inside the network, as a debugging run shows it: what one step of the plan computed.
struct DebugTensor {
  std::string_view name;    // in the plan
  std::string_view source;  // of the source model's tensor with these values; may be empty
  std::string_view step;    // source node names of the step
  std::string_view op, tactic;
  TensorView view;  // dense; valid during the call. Its axes may be in another order than the
                    // source tensor's: images have the channels last
};
// An error ends the run.
using DebugListener = std::function<Status(const DebugTensor&)>;

// Named input or output of a run.
using NamedTensors = std::vector<std::pair<std::string, TensorView>>;

// The state of one caller: bindings to shapes and the arena. One thread at a time.
class HONE_API ExecutionContext {
 public:
  explicit ExecutionContext(std::shared_ptr<const Engine::Impl> engine);
  ~ExecutionContext();
  ExecutionContext(ExecutionContext&&) noexcept;
  ExecutionContext& operator=(ExecutionContext&&) noexcept;

  // Inputs by position in Engine::inputs(); outputs come through the allocator, in order, but those
  // whose size depends on values, and what is computed from them, when their size is found out.
  // In the steady state (a shape seen before) no allocation, lock or string work of ours happens.
  Status run(std::span<const TensorView> inputs, const OutputAllocator& allocate);
  // By name, into memory of the caller; output views must have the right dtype and size.
  Status run(const NamedTensors& inputs, const NamedTensors& outputs);
  // Shapes of the outputs for these input shapes, without running. kAny (-1) stands for sizes that
  // depend on values: a run finds them out and tells the allocator.
  Result<std::vector<std::vector<int64_t>>> output_shapes(
      const std::vector<std::vector<int64_t>>& input_shapes);
  // Runs once with a clock around each step.
  Result<std::vector<StepProfile>> profile(std::span<const TensorView> inputs);
  // Runs once and shows the outputs of every step that runs code, in order: steps that were fused,
  // or are views of others, are not seen. Copies each tensor.
  Status debug(std::span<const TensorView> inputs, const DebugListener& listener);
  // Bytes of the arena that this context holds now.
  int64_t arena_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone

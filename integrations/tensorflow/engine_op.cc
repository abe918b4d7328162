#include "engine_op.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine_cache.h"
#include "error.h"
#include "node.h"
#include "tensors.h"

namespace hone::tf_op {
namespace {

constexpr std::string_view kKeyPrefix = "key:";

// One node. Any number of threads may run it at once.
class EngineKernel {
 public:
  Error init(TF_OpKernelConstruction* construction);
  Error run(TF_OpKernelContext* context);

 private:
  // The engine, found at the first run: the init op need not have run when the kernel is made.
  Error bind(TF_OpKernelContext* context, Engine** engine);
  Error load(TF_OpKernelContext* context, std::shared_ptr<Engine>* engine) const;
  Error check_types(const Engine& engine) const;
  Error run_on(TF_OpKernelContext* context, RunState& state) const;
  // Puts the node and what it stands for before the message.
  Error named(Error error) const;

  std::string name_, segment_;
  std::vector<TfDataType> input_types_, output_types_;
  int64_t threads_ = 0;

  std::atomic<Engine*> engine_{nullptr};  // set once, the fast path
  std::mutex mutex_;                      // guards the two below
  std::shared_ptr<Engine> owner_;
  std::string plan_;  // emptied when bound: an inline plan is the engine's by then
};

// Gives the run state back when the call ends.
class Lease {
 public:
  explicit Lease(ContextPool& pool) : pool_(pool) {}
  ~Lease() {
    if (state_ != nullptr) pool_.give(std::move(state_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Error take() { return pool_.take(&state_); }
  RunState& state() { return *state_; }

 private:
  ContextPool& pool_;
  std::unique_ptr<RunState> state_;
};

// "" when the types agree, else what differs.
std::string type_difference(const char* what, const char* attribute,
                            const std::vector<TfDataType>& node,
                            const std::vector<hn_dtype>& plan) {
  if (node.size() != plan.size()) {
    return "the plan has " + std::to_string(plan.size()) + " " + what + "s, the node's " +
           attribute + " lists " + std::to_string(node.size());
  }
  for (size_t i = 0; i < node.size(); ++i) {
    const DataTypePair* type = find_hone_type(plan[i]);
    if (type != nullptr && type->tensorflow == node[i]) continue;
    return std::string(what) + " " + std::to_string(i) + " of the plan is " +
           (type ? type->name : "of a type TensorFlow lacks") + ", the node's " + attribute +
           " says " + type_name(node[i]);
  }
  return "";
}

Error EngineKernel::init(TF_OpKernelConstruction* construction) {
  name_ = node_name(construction);
  if (Error error = string_attr(construction, "segment", &segment_)) return named(error);
  if (Error error = string_attr(construction, "plan", &plan_)) return named(error);
  if (Error error = int_attr(construction, "threads", &threads_)) return named(error);
  if (Error error = type_list_attr(construction, "InT", &input_types_)) return named(error);
  if (Error error = type_list_attr(construction, "OutT", &output_types_)) return named(error);
  if (plan_.empty()) {
    return named({kTfInvalidArgument, "the attribute plan is empty: convert the model again"});
  }
  for (const auto* types : {&input_types_, &output_types_}) {
    for (TfDataType type : *types) {
      if (find_tensorflow_type(type) == nullptr) {
        return named({kTfUnimplemented,
                      "tensors of " + type_name(type) + " cannot enter or leave an engine"});
      }
    }
  }
  return {};
}

Error EngineKernel::bind(TF_OpKernelContext* context, Engine** engine) {
  *engine = engine_.load(std::memory_order_acquire);
  if (*engine != nullptr) return {};
  std::lock_guard<std::mutex> lock(mutex_);
  if (owner_ == nullptr) {
    std::shared_ptr<Engine> found;
    if (Error error = load(context, &found)) return error;
    if (Error error = check_types(*found)) return error;
    owner_ = std::move(found);
    std::string().swap(plan_);
    engine_.store(owner_.get(), std::memory_order_release);
  }
  *engine = owner_.get();
  return {};
}

Error EngineKernel::load(TF_OpKernelContext* context, std::shared_ptr<Engine>* engine) const {
  const int threads = resolve_threads(context, threads_);
  EngineCache& cache = EngineCache::instance();
  if (!plan_.starts_with(kKeyPrefix)) return cache.find_inline(plan_, threads, engine);
  return cache.find(plan_.substr(kKeyPrefix.size()), threads, engine);
}

Error EngineKernel::check_types(const Engine& engine) const {
  std::string text = type_difference("input", "InT", input_types_, engine.input_types());
  if (text.empty()) {
    text = type_difference("output", "OutT", output_types_, engine.output_types());
  }
  if (text.empty()) return {};
  return {kTfInvalidArgument, text + ": the plan belongs to another model; convert it again"};
}

Error EngineKernel::run(TF_OpKernelContext* context) {
  Engine* engine = nullptr;
  if (Error error = bind(context, &engine)) return named(error);
  Lease lease(engine->contexts());
  if (Error error = lease.take()) return named(error);
  return named(run_on(context, lease.state()));
}

Error EngineKernel::run_on(TF_OpKernelContext* context, RunState& state) const {
  if (Error error = state.inputs.acquire(context)) return error;
  state.outputs.begin(context, output_types_);
  hn_status* status = hn_context_run(state.context, state.inputs.data(), state.inputs.size(),
                                     &OutputTensors::allocate, &state.outputs);
  Error error = from_hone(status);
  // A refused allocation is the cause; what the engine says about it is the consequence.
  if (state.outputs.error()) return state.outputs.error();
  if (error) return error;
  if (const int index = state.outputs.missing(); index >= 0) {
    return {kTfInternal, "the engine left output " + std::to_string(index) + " without a value"};
  }
  return {};
}

Error EngineKernel::named(Error error) const {
  if (!error) return error;
  std::string where = name_;
  if (!segment_.empty()) where += " (" + segment_ + ")";
  error.message = where + ": " + error.message;
  return error;
}

}  // namespace

void* create_engine_kernel(TF_OpKernelConstruction* construction) noexcept {
  EngineKernel* kernel = nullptr;
  guarded(construction, [&] {
    auto made = std::make_unique<EngineKernel>();
    Error error = made->init(construction);
    if (!error) kernel = made.release();
    return error;
  });
  return kernel;
}

void run_engine_kernel(void* kernel, TF_OpKernelContext* context) noexcept {
  guarded(context, [&]() -> Error {
    if (kernel == nullptr) return {kTfInternal, "HoneEngineOp: the kernel was not created"};
    return static_cast<EngineKernel*>(kernel)->run(context);
  });
}

void delete_engine_kernel(void* kernel) noexcept { delete static_cast<EngineKernel*>(kernel); }

}  // namespace hone::tf_op

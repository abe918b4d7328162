// A run with a clock around each step.
#include "runtime/context_impl.h"
#include "runtime/step_clock.h"
#include "tactics/step_work.h"

namespace hone {

void StepClock::begin() {
  busy_.reset();
  begin_ = BusyTimes::Clock::now();
}

void StepClock::end() {
  const auto milliseconds = [](BusyTimes::Clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
  };
  Step step;
  step.milliseconds = milliseconds(BusyTimes::Clock::now() - begin_);
  bool any = false;
  for (const BusyTimes::Worker& worker : busy_.workers()) {
    step.workers.emplace_back();
    if (worker.busy.count() == 0) continue;
    any = true;
    step.workers.back() = {milliseconds(worker.begin - begin_), milliseconds(worker.end - begin_),
                           milliseconds(worker.busy)};
  }
  // A step that starts no job is the caller's work.
  if (!any) step.workers[0] = {0, step.milliseconds, step.milliseconds};
  steps_.push_back(std::move(step));
}

Result<std::vector<StepProfile>> ExecutionContext::profile(std::span<const TensorView> inputs) {
  ScratchOutputs outputs(impl_->output_pointers.size());
  StepClock clock(impl_->engine->threads);
  HONE_RETURN_IF_ERROR(impl_->run(inputs, outputs.allocator(), &clock));
  std::vector<StepProfile> profile;
  for (const StageState& stage : impl_->stages) {
    const Binding& binding = *stage.bindings.front();
    for (const Binding::Step& bound : binding.steps()) {
      const PlanStep& step = impl_->portable().steps[bound.index];
      StepProfile entry;
      entry.name = step.name;
      entry.op = step.op->name;
      entry.tactic = impl_->engine->plan->tuned.steps[bound.index].tactic;
      entry.milliseconds = clock.steps()[profile.size()].milliseconds;
      entry.workers = clock.steps()[profile.size()].workers;
      const StepDesc& desc = impl_->engine->plan->descs[bound.index];
      if (!desc.sizes_outputs) {
        const StepDesc concrete = substitute_shapes(desc, binding.symbols());
        entry.gflop = step_gflop(concrete);
        entry.bytes = step_bytes(concrete);
      }
      profile.push_back(std::move(entry));
    }
  }
  return profile;
}

}  // namespace hone

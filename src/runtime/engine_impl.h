// The inside of hone::Engine.
#pragma once

#include <memory>
#include <vector>

#include "hone/engine.h"
#include "runtime/binding.h"

namespace hone {

struct Engine::Impl {
  std::shared_ptr<const LoadedPlan> plan;
  std::vector<TensorInfo> inputs, outputs;
  int threads = 1;
  std::string lowered_because;  // why the plan's own tuned parts were not used; empty = one was
};

// Takes verified plan data; picks or makes the tuned part. Shared by Engine::load and the builder.
Result<Engine> make_engine(PlanData data, std::string name, const EngineOptions& options);

}  // namespace hone

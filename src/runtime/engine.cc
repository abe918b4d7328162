#include "hone/engine.h"

#include <fmt/core.h>

#include <cstring>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "runtime/engine_impl.h"

namespace hone {
namespace {

TensorInfo tensor_info(const Portable& portable, int v, const std::string& name) {
  const PlanValue& value = portable.values[v];
  TensorInfo info;
  info.name = name;
  info.dtype = value.type.dtype;
  for (const Dim& dim : value.type.shape) info.shape.push_back(dim.is_const() ? dim.value() : kAny);
  info.shape_text = shape_text(value.type.shape);
  return info;
}

// The first tuned part that runs here, or a new one by list order. `reason`: why none fitted.
Result<Tuned> pick_tuned(const PlanData& data, const Target& target, std::string* reason) {
  for (Tuned tuned : data.tuned) {
    const Status status = attach_tuned(data.portable, target, &tuned);
    if (status.ok()) return tuned;
    if (!reason->empty()) *reason += "; ";
    *reason += status.message();
  }
  if (data.tuned.empty()) *reason = "the plan has no tuned part";
  auto lowered = lower(data.portable, target, choose_by_list_order(data.portable, target));
  if (lowered.ok()) return lowered;
  return Status(lowered.status().code() == Code::kPlan ? Code::kDevice : lowered.status().code(),
                "the plan has no part that runs on this machine")
      .because(*reason)
      .fix("build the plan on this machine, or with --portable");
}

// Strings live in constants only: a buffer of the arena or of a caller cannot hold them.
Status check_no_strings(const Portable& portable) {
  for (const PlanValue& value : portable.values) {
    if (value.kind == ValueKind::kConstant || value.type.dtype != DataType::string) continue;
    return Status(Code::kUnsupported,
                  "string tensors cannot be inputs, outputs or results of steps")
        .at(fmt::format("value '{}'", value.name));
  }
  return ok();
}

}  // namespace

Result<Engine> make_engine(PlanData data, std::string name, const EngineOptions& options) {
  auto loaded = std::make_shared<LoadedPlan>();
  loaded->data = std::move(data);
  loaded->name = std::move(name);
  loaded->target.features = CpuFeatures::detected();
  loaded->target.threads = options.threads > 0 ? options.threads : ThreadPool::global().size();
  if (Status status = check_no_strings(loaded->data.portable); !status.ok()) {
    return std::move(status).at(loaded->name);
  }
  auto impl = std::make_shared<Engine::Impl>();
  auto tuned = pick_tuned(loaded->data, loaded->target, &impl->lowered_because);
  if (!tuned.ok()) return Status(tuned.status()).at(loaded->name);
  loaded->tuned = std::move(*tuned);
  loaded->data.tuned.clear();
  if (!impl->lowered_because.empty()) {
    log_info("{}: lowered again for this machine: {}", loaded->name, impl->lowered_because);
  }
  const Portable& portable = loaded->data.portable;
  loaded->prepare();
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    impl->inputs.push_back(tensor_info(portable, portable.inputs[i], portable.input_names[i]));
  }
  for (size_t i = 0; i < portable.outputs.size(); ++i) {
    impl->outputs.push_back(tensor_info(portable, portable.outputs[i], portable.output_names[i]));
  }
  impl->threads = loaded->target.threads;
  impl->plan = std::move(loaded);
  return Engine(std::shared_ptr<const Engine::Impl>(std::move(impl)));
}

Result<Engine> Engine::load(const std::string& path, const EngineOptions& options) {
  HONE_ASSIGN_OR_RETURN(auto file,
                        MappedFile::open(path, options.copy_weights ? MappedFile::Mode::kCopy
                                                                    : MappedFile::Mode::kMap));
  HONE_ASSIGN_OR_RETURN(PlanData data, read_plan(file->view(), file, path));
  return make_engine(std::move(data), path, options);
}

Result<Engine> Engine::load_bytes(std::string_view plan, const EngineOptions& options) {
  // Sections are 64-byte aligned relative to the start of the plan.
  const std::shared_ptr<std::byte> memory = allocate_memory(plan.size());
  if (!memory) return Status(Code::kOutOfResources, "no memory for the plan");
  if (!plan.empty()) std::memcpy(memory.get(), plan.data(), plan.size());
  const std::string_view bytes(reinterpret_cast<const char*>(memory.get()), plan.size());
  HONE_ASSIGN_OR_RETURN(PlanData data, read_plan(bytes, memory, "plan"));
  return make_engine(std::move(data), "plan", options);
}

const std::vector<TensorInfo>& Engine::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Engine::outputs() const { return impl_->outputs; }

int64_t Engine::weight_bytes() const {
  return hone::weight_bytes(impl_->plan->data.portable, impl_->plan->tuned);
}

ExecutionContext Engine::create_context() const { return ExecutionContext(impl_); }

}  // namespace hone

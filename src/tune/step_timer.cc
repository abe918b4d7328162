#include "tune/step_timer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/memory.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMinRounds = 3;
constexpr int kMaxRounds = 12;
constexpr double kEnoughMilliseconds = 25;  // per candidate: stop adding rounds
constexpr double kHopeless = 1.4;           // times the best, after two rounds
// Another process takes the CPU for some milliseconds at once, more than a short step lasts. Who is
// behind by less gets more rounds before it is dropped: two unlucky rounds made a depthwise Conv of
// 0.1 ms look like 4.4 ms, and a tactic of 0.9 ms was chosen.
constexpr double kTakenByOthers = 10;  // milliseconds
constexpr int kSureRounds = 8;
constexpr size_t kColdBytes = size_t{48} << 20;
constexpr size_t kMaxWeightCopies = 8;

Memory allocate(size_t bytes) {
  Memory memory = allocate_memory(bytes);
  if (memory) std::memset(memory.get(), 0, bytes);
  return memory;
}

// Values in [-1, 1) for floats; zeros are valid for all other types.
void fill(DataType dtype, std::byte* data, size_t bytes) {
  if (dtype != DataType::f32) return;
  uint32_t state = 12345;
  auto* values = reinterpret_cast<float*>(data);
  for (size_t i = 0; i < bytes / sizeof(float); ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
}

struct Operand {
  TensorLayout layout;
  Memory memory;
  void* element0 = nullptr;
};

bool make_operand(const OperandDesc& desc, const Halo& halo, Operand* operand) {
  TensorLayout& layout = operand->layout;
  layout.dtype = desc.type.dtype;
  layout.rank = static_cast<int>(desc.type.shape.size());
  int64_t stride = 1, offset = 0;
  for (int i = layout.rank - 1; i >= 0; --i) {
    layout.shape[i] = desc.type.shape[i].value();
    if (!halo.empty()) {
      layout.halo_before[i] = halo.before[i];
      layout.halo_after[i] = halo.after[i];
    }
    layout.stride[i] = stride;
    offset += layout.halo_before[i] * stride;
    stride *= std::max<int64_t>(layout.shape[i] + layout.halo_before[i] + layout.halo_after[i], 1);
  }
  const size_t size = dtype_size(layout.dtype);
  operand->memory = allocate(static_cast<size_t>(stride) * size);
  if (!operand->memory) return false;
  fill(layout.dtype, operand->memory.get(), static_cast<size_t>(stride) * size);
  operand->element0 = operand->memory.get() + offset * static_cast<int64_t>(size);
  return true;
}

// One candidate, ready to run. Several copies of large packed weights, used in turn, keep them
// cold.
class Trial {
 public:
  Status prepare(const StepDesc& step, const Target& target, const TimedCandidate& candidate) {
    const Tactic& tactic = *candidate.tactic;
    const StorageWish wish = tactic.storage(step, candidate.config);
    inputs_.resize(step.inputs.size());
    outputs_.resize(step.outputs.size());
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const bool has_halo = i < wish.input_halo.size() && !step.inputs[i].is_constant;
      if (!make_operand(step.inputs[i], has_halo ? wish.input_halo[i] : Halo(), &inputs_[i]))
        return no_memory();
      if (step.inputs[i].constant)
        inputs_[i].element0 = const_cast<void*>(step.inputs[i].constant->raw());
      constants_.push_back(step.inputs[i].constant ? step.inputs[i].constant->raw() : nullptr);
      input_pointers_.push_back(inputs_[i].element0);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!make_operand(step.outputs[i], Halo(), &outputs_[i])) return no_memory();
      output_pointers_.push_back(outputs_[i].element0);
    }
    const size_t size = tactic.packed_bytes(step, target, candidate.config);
    const size_t copies =
        size < (size_t{256} << 10) ? 1 : std::clamp<size_t>(kColdBytes / size, 1, kMaxWeightCopies);
    for (size_t i = 0; i < copies; ++i) {
      if (size > 0) {
        packed_.push_back(allocate(size));
        if (!packed_.back()) return no_memory();
        if (i == 0) {
          std::memset(packed_[0].get(), 0, size);
          tactic.pack_weights(step, target, candidate.config, packed_[0].get());
        } else {
          std::memcpy(packed_[i].get(), packed_[0].get(), size);
        }
      }
      prepare_copy(step, target, candidate, size > 0 ? packed_.back().get() : nullptr, size);
    }
    size_t workspace = 0;
    for (const auto& prepared : prepared_)
      workspace = std::max(workspace, prepared->workspace_bytes());
    workspace_ = allocate(workspace);
    return workspace_ ? ok() : no_memory();
  }

  Status run(int threads, double* milliseconds) {
    StepContext context;
    context.inputs = input_pointers_.data();
    context.outputs = output_pointers_.data();
    context.workspace = workspace_.get();
    context.threads = threads;
    const PreparedStep& prepared = *prepared_[next_++ % prepared_.size()];
    const auto begin = Clock::now();
    HONE_RETURN_IF_ERROR(prepared.run(context));
    *milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    return ok();
  }

 private:
  static Status no_memory() { return Status(Code::kOutOfResources, "no memory to time a step"); }

  void prepare_copy(const StepDesc& step, const Target& target, const TimedCandidate& candidate,
                    const std::byte* packed, size_t packed_bytes) {
    std::vector<TensorLayout> inputs, outputs;
    for (const Operand& operand : inputs_) inputs.push_back(operand.layout);
    for (const Operand& operand : outputs_) outputs.push_back(operand.layout);
    PrepareArgs args;
    args.step = &step;
    args.target = &target;
    args.config = candidate.config;
    args.inputs = inputs;
    args.outputs = outputs;
    args.packed = packed;
    args.packed_bytes = packed_bytes;
    args.constants = constants_;
    prepared_.push_back(candidate.tactic->prepare(args));
  }

  std::vector<Operand> inputs_, outputs_;
  std::vector<const void*> constants_, input_pointers_;
  std::vector<void*> output_pointers_;
  std::vector<Memory> packed_;
  std::vector<std::unique_ptr<PreparedStep>> prepared_;
  Memory workspace_;
  size_t next_ = 0;
};

bool is_hopeless(double best, double leader, int round) {
  const int needed = best - leader < kTakenByOthers ? kSureRounds : 2;
  return round >= needed && best > kHopeless * leader;
}

}  // namespace

Status time_candidates(const StepDesc& step, const Target& target,
                       const std::function<bool()>& stop, std::vector<TimedCandidate>* candidates) {
  const size_t count = candidates->size();
  std::vector<Trial> trials(count);
  for (size_t i = 0; i < count; ++i) {
    if (stop()) return ok();
    HONE_RETURN_IF_ERROR(trials[i].prepare(step, target, (*candidates)[i]));
  }
  std::vector<double> best(count, -1), spent(count, 0);
  std::vector<bool> hopeless(count, false);
  for (int round = 0; round < kMaxRounds; ++round) {
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      if (hopeless[i] || (round >= kMinRounds && spent[i] > kEnoughMilliseconds)) continue;
      if (stop()) return ok();
      double milliseconds = 0;
      // Made-up values may be ones that the operator refuses (k of TopK): not timed.
      if (!trials[i].run(target.threads, &milliseconds).ok()) {
        hopeless[i] = true;
        best[i] = -1;
        continue;
      }
      spent[i] += milliseconds;
      if (round == 0) continue;  // warm-up: page faults, code fetch
      best[i] = best[i] < 0 ? milliseconds : std::min(best[i], milliseconds);
      any = true;
    }
    if (round == 0) continue;
    if (!any) break;
    double leader = INFINITY;
    for (double b : best) leader = b >= 0 ? std::min(leader, b) : leader;
    for (size_t i = 0; i < count; ++i)
      hopeless[i] = hopeless[i] || is_hopeless(best[i], leader, round);
  }
  for (size_t i = 0; i < count; ++i) (*candidates)[i].milliseconds = best[i];
  return ok();
}

}  // namespace hone

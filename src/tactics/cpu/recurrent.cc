// LSTM, GRU and RNN with packed weights (kernels/cpu/recurrent.h). The input's part, x W + b, is a
// matrix product over a chunk of time steps (kernels/cpu/gemm.h); then the steps follow each other,
// each divided into panels of units.
#include "kernels/cpu/recurrent.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/cpu/gemm.h"
#include "ops/recurrent.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/recurrent_pack.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;

// Rows of the projected input that are computed at once: enough for the GEMM to be at full speed,
// and 1.5 MiB for an LSTM of 512 units, so that they come from cache.
constexpr int64_t kChunkRows = 192;
// Below this many multiply-adds a step is faster on one thread than divided.
constexpr int64_t kMinParallelWork = 1 << 17;

// Floats from one step, direction and sequence to the next.
struct TimeStrides {
  int64_t t = 0, d = 0, n = 0;
};

class PreparedRecurrent final : public PreparedStep {
 public:
  PreparedRecurrent(const PrepareArgs& args, const ConvConfig& config, Isa isa)
      : run_(cpu::recurrent_kernel(isa)) {
    const StepDesc& step = *args.step;
    const RecurrentAttributes& attributes = recurrent_attributes(step.attributes);
    const RecurrentParts parts(step, config, isa);
    const TensorLayout& x = args.inputs[kRecurrentX];
    const bool batch_major = attributes.batch_major;
    steps_ = x.shape[batch_major ? 1 : 0];
    batch_ = x.shape[batch_major ? 0 : 1];
    columns_ = parts.columns;
    padded_ = parts.padded;
    x_ = {x.stride[batch_major ? 1 : 0], 0, x.stride[batch_major ? 0 : 1]};
    const TensorLayout& y = args.outputs[0];
    y_ = batch_major ? TimeStrides{y.stride[1], y.stride[2], y.stride[0]}
                     : TimeStrides{y.stride[0], y.stride[1], y.stride[2]};
    const auto state = [&](const TensorLayout& layout) {
      return batch_major ? TimeStrides{0, layout.stride[1], layout.stride[0]}
                         : TimeStrides{0, layout.stride[0], layout.stride[1]};
    };
    for (size_t i = 1; i < args.outputs.size(); ++i) final_[i - 1] = state(args.outputs[i]);
    num_states_ = args.outputs.size() - 1;
    for (size_t i = 0; i < num_states_; ++i) {
      has_initial_[i] = has_recurrent_input(step, kRecurrentH + i);
      if (has_initial_[i]) initial_[i] = state(args.inputs[kRecurrentH + i]);
    }
    has_lengths_ = has_recurrent_input(step, kRecurrentLens);
    divide_time();
    const auto* packed = reinterpret_cast<const float*>(args.packed);
    const int directions = *num_directions(attributes);
    for (int d = 0; d < directions; ++d, packed += parts.size) {
      Direction direction;
      direction.problem = recurrent_problem(step, d);
      direction.problem.batch = batch_;
      direction.reverse = attributes.direction == "reverse" || d == 1;
      direction.packed = packed;
      direction.bias = packed + parts.bias;
      direction.recurrent = packed + parts.recurrent;
      direction.hidden_bias = packed + parts.hidden_bias;
      if (has_recurrent_input(step, kRecurrentP)) direction.peepholes = packed + parts.peepholes;
      directions_.push_back(direction);
    }
    phases_ = cpu::recurrent_phases(directions_[0].problem.cell);
    for (int i = 0; i < phases_; ++i) {
      panels_[i] =
          cpu::recurrent_phase(directions_[0].problem, i, cpu::recurrent_lanes(isa)).panels;
    }
    for (int i = 0; i < 2; ++i) {
      const int64_t count = i == 0 ? chunk_ : steps_ - (num_chunks_ - 1) * chunk_;
      if (num_chunks_ > 0) projections_[i] = make_projection(parts, config, isa, count);
    }
  }

  size_t workspace_bytes() const override {
    return directions_.size() * static_cast<size_t>(slot_floats()) * sizeof(float);
  }

  Status run(const StepContext& context) const override {
    if (batch_ == 0) return ok();
    int64_t longest = steps_;
    if (has_lengths_) {
      const auto* lengths = static_cast<const int32_t*>(context.inputs[kRecurrentLens]);
      longest = *std::max_element(lengths, lengths + batch_);
      const int64_t shortest = *std::min_element(lengths, lengths + batch_);
      if (shortest < 0 || longest > steps_) {
        return Status(Code::kShape, fmt::format("sequence_lens has {} for {} steps",
                                                shortest < 0 ? shortest : longest, steps_));
      }
    }
    const auto directions = static_cast<int>(directions_.size());
    const int64_t work = directions_[0].problem.hidden * columns_ * batch_;
    if (context.threads > 1 && work * directions >= kMinParallelWork) {
      run_directions(context, 0, directions, longest, context.threads);
    } else {
      // One after the other keeps the weights of one direction in cache.
      for (int d = 0; d < directions; ++d) run_directions(context, d, d + 1, longest, 1);
    }
    return ok();
  }

 private:
  struct Direction {
    cpu::RecurrentProblem problem;
    bool reverse = false;
    const float *packed = nullptr, *bias = nullptr, *recurrent = nullptr, *hidden_bias = nullptr,
                *peepholes = nullptr;
  };
  // The workspace of one direction.
  struct Slot {
    float *h[2], *c, *update, *reset_state, *projected;
  };

  int64_t state_floats() const { return round_up_floats(batch_ * padded_); }
  int64_t slot_floats() const {
    return 5 * state_floats() + round_up_floats(chunk_ * batch_ * columns_);
  }
  Slot slot(const StepContext& context, int d) const {
    float* at = reinterpret_cast<float*>(context.workspace) + d * slot_floats();
    const int64_t n = state_floats();
    return {{at, at + n}, at + 2 * n, at + 3 * n, at + 4 * n, at + 5 * n};
  }

  void divide_time() {
    if (steps_ == 0 || batch_ == 0) return;
    const int64_t most = std::max<int64_t>(kChunkRows / batch_, 1);
    num_chunks_ = (steps_ + most - 1) / most;
    chunk_ = (steps_ + num_chunks_ - 1) / num_chunks_;
    num_chunks_ = (steps_ + chunk_ - 1) / chunk_;
  }

  // x W + b of `count` time steps: a matrix [count * batch][columns_], time outside.
  cpu::Conv make_projection(const RecurrentParts& parts, const ConvConfig& config, Isa isa,
                            int64_t count) const {
    cpu::GemmProblem rows = parts.gemm(count * batch_);
    if (batch_ == 1 || count == 1 || x_.t == batch_ * x_.n) {
      rows.lda = batch_ == 1 ? x_.t : x_.n;
      return cpu::prepare_gemm(rows, config, isa);
    }
    // Two loops over the rows, the sequences outside: an image of one pixel per row.
    cpu::ConvProblem image = cpu::gemm_as_conv(rows);
    image.in_h = image.out_h = batch_;
    image.in_w = image.out_w = count;
    image.input = {batch_ * x_.n, x_.n, x_.t};
    image.output = {batch_ * count * columns_, columns_, batch_ * columns_};
    return cpu::prepare_conv(image, config, isa);
  }

  void run_directions(const StepContext& context, int first, int last, int64_t longest,
                      int step_threads) const {
    Slot slots[2];
    for (int d = first; d < last; ++d) {
      slots[d] = slot(context, d);
      start(context, d, slots[d]);
      for (int64_t t = longest; t < steps_; ++t) fill_zero(context, d, t);
    }
    for (int64_t chunk = 0; chunk < num_chunks_; ++chunk) {
      const int64_t begin = chunk * chunk_, end = std::min(begin + chunk_, steps_);
      for (int d = first; d < last; ++d) {
        const int64_t t = time_of(d, directions_[d].reverse ? end - 1 : begin);
        if (t < longest) project(context, d, t, end - begin, slots[d].projected);
      }
      for (int64_t s = begin; s < end; ++s) {
        cpu::RecurrentStep steps[2];
        int which[2], count = 0;
        for (int d = first; d < last; ++d) {
          const int64_t t = time_of(d, s);
          if (t >= longest) continue;
          const int64_t first_time = time_of(d, directions_[d].reverse ? end - 1 : begin);
          steps[count] = make_step(context, d, t, slots[d]);
          steps[count].projected = slots[d].projected + (t - first_time) * batch_ * columns_;
          which[count++] = d;
          std::swap(slots[d].h[0], slots[d].h[1]);
        }
        run_step(steps, which, count, step_threads);
      }
    }
    for (int d = first; d < last; ++d) finish(context, d, slots[d]);
  }

  int64_t time_of(int d, int64_t s) const { return directions_[d].reverse ? steps_ - 1 - s : s; }

  // Initial states, with padding 0.
  void start(const StepContext& context, int d, const Slot& slot) const {
    const int64_t hidden = directions_[d].problem.hidden;
    float* states[2] = {slot.h[0], slot.c};
    for (size_t i = 0; i < num_states_; ++i) {
      for (int64_t n = 0; n < batch_; ++n) {
        float* to = states[i] + n * padded_;
        std::fill_n(to, padded_, 0.0f);
        if (!has_initial_[i]) continue;
        const auto* from = static_cast<const float*>(context.inputs[kRecurrentH + i]);
        std::copy_n(from + d * initial_[i].d + n * initial_[i].n, hidden, to);
      }
    }
  }

  void fill_zero(const StepContext& context, int d, int64_t t) const {
    for (int64_t n = 0; n < batch_; ++n) {
      std::fill_n(y_at(context, d, t) + n * y_.n, directions_[d].problem.hidden, 0.0f);
    }
  }

  float* y_at(const StepContext& context, int d, int64_t t) const {
    return static_cast<float*>(context.outputs[0]) + t * y_.t + d * y_.d;
  }

  void project(const StepContext& context, int d, int64_t t, int64_t count, float* to) const {
    const cpu::Conv& gemm = projections_[count == chunk_ ? 0 : 1];
    cpu::ConvPointers at;
    at.input = static_cast<const float*>(context.inputs[kRecurrentX]) + t * x_.t;
    at.packed = directions_[d].packed;
    at.bias = directions_[d].bias;
    at.output = to;
    ThreadPool::global().parallel_for(
        context.threads, gemm.items,
        [&](int64_t begin, int64_t end, int) { cpu::run_conv(gemm, at, begin, end); });
  }

  cpu::RecurrentStep make_step(const StepContext& context, int d, int64_t t,
                               const Slot& slot) const {
    const Direction& direction = directions_[d];
    cpu::RecurrentStep step;
    step.weights = direction.recurrent;
    step.projected_stride = columns_;
    step.hidden_bias = direction.hidden_bias;
    step.peepholes = direction.peepholes;
    step.h = slot.h[0], step.h_next = slot.h[1], step.c = slot.c;
    step.update = slot.update, step.reset_state = slot.reset_state;
    step.y = y_at(context, d, t);
    step.y_stride = y_.n;
    if (has_lengths_) step.lengths = static_cast<const int32_t*>(context.inputs[kRecurrentLens]);
    step.time = t;
    return step;
  }

  // The same moment of `count` directions: their panels are the items.
  void run_step(const cpu::RecurrentStep* steps, const int* which, int count, int threads) const {
    for (int phase = 0; phase < phases_; ++phase) {
      const int64_t panels = panels_[phase];
      const auto body = [&](int64_t begin, int64_t end, int) {
        while (begin < end) {
          const int64_t i = begin / panels, stop = std::min(end, (i + 1) * panels);
          run_(directions_[which[i]].problem, steps[i], phase, begin - i * panels,
               stop - i * panels);
          begin = stop;
        }
      };
      if (threads == 1) {
        body(0, count * panels, 0);
      } else {
        ThreadPool::global().parallel_for(threads, count * panels, body);
      }
    }
  }

  // The final states: 0 for a sequence without steps.
  void finish(const StepContext& context, int d, const Slot& slot) const {
    const float* states[2] = {slot.h[0], slot.c};
    const auto* lengths =
        has_lengths_ ? static_cast<const int32_t*>(context.inputs[kRecurrentLens]) : nullptr;
    const int64_t hidden = directions_[d].problem.hidden;
    for (size_t i = 0; i < num_states_; ++i) {
      auto* to = static_cast<float*>(context.outputs[i + 1]) + d * final_[i].d;
      for (int64_t n = 0; n < batch_; ++n, to += final_[i].n) {
        if (steps_ == 0 || (lengths && lengths[n] == 0)) {
          std::fill_n(to, hidden, 0.0f);
        } else {
          std::copy_n(states[i] + n * padded_, hidden, to);
        }
      }
    }
  }

  cpu::RecurrentRun run_;
  int64_t steps_ = 0, batch_ = 0, columns_ = 0, padded_ = 0;
  int64_t chunk_ = 0, num_chunks_ = 0;  // time steps that are projected at once
  TimeStrides x_, y_, initial_[2], final_[2];
  size_t num_states_ = 1;
  bool has_initial_[2] = {false, false}, has_lengths_ = false;
  std::vector<Direction> directions_;
  int phases_ = 1;
  int64_t panels_[2] = {0, 0};
  cpu::Conv projections_[2];  // of a full chunk and of the last one
};

Verdict is_constant_or_absent(const StepDesc& step, size_t i, const char* what) {
  if (!has_recurrent_input(step, i) || step.inputs[i].is_constant) return Verdict::yes();
  return Verdict::no(fmt::format("{} are not constant", what));
}

class RecurrentPacked final : public Tactic {
 public:
  RecurrentPacked(Isa isa, const char* op_name, const char* prefix)
      : isa_(isa), op_name_(op_name), name_(fmt::format("{}_packed_{}", prefix, isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return op_name_; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (i != kRecurrentLens && step.inputs[i].type.dtype != DataType::f32) {
        return Verdict::no(
            fmt::format("a tensor is {}, only f32 is done", dtype_name(step.inputs[i].type.dtype)));
      }
    }
    for (size_t i : {kRecurrentW, kRecurrentR, kRecurrentB, kRecurrentP}) {
      if (const auto verdict = is_constant_or_absent(step, i, "the weights"); !verdict.ok()) {
        return verdict;
      }
      if (has_recurrent_input(step, i) && !concrete(step.in_shape(i))) {
        return Verdict::no("the weights have a free size");
      }
    }
    if (step.in_shape(kRecurrentR)[2] == Dim(0) || step.in_shape(kRecurrentW)[2] == Dim(0)) {
      return Verdict::no("there are no units or no features");
    }
    return Verdict::yes();
  }
  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    const RecurrentParts parts(step, ConvConfig{}, isa_);
    const Shape& x = step.in_shape(kRecurrentX);
    int64_t rows = 1;
    for (size_t i : {0, 1}) rows *= x[i].is_const() ? std::max<int64_t>(x[i].value(), 1) : 1;
    std::vector<Config> configs;
    for (const ConvConfig& config :
         cpu::candidates(parts.gemm(std::min(rows, kChunkRows)), isa_, cpu_info().l2_bytes)) {
      configs.push_back(conv_config_text(config));
    }
    if (configs.size() > 3) configs.resize(3);
    return configs;
  }
  std::string packing_key(const StepDesc&, const Config& config) const override {
    return conv_packing_key(config);
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    const RecurrentParts parts(step, *parse_conv_config(config), isa_);
    const int directions = *num_directions(recurrent_attributes(step.attributes));
    return static_cast<size_t>(directions * parts.size) * sizeof(float);
  }
  std::vector<size_t> replaced_inputs(const StepDesc& step) const override {
    std::vector<size_t> inputs = {kRecurrentW, kRecurrentR};
    for (size_t i : {kRecurrentB, kRecurrentP}) {
      if (has_recurrent_input(step, i)) inputs.push_back(i);
    }
    return inputs;
  }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    const ConvConfig parsed = *parse_conv_config(config);
    const RecurrentParts parts(step, parsed, isa_);
    auto* to = reinterpret_cast<float*>(packed);
    const int directions = *num_directions(recurrent_attributes(step.attributes));
    for (int d = 0; d < directions; ++d, to += parts.size) {
      pack_recurrent_direction(step, parts, parsed, isa_, d, to);
    }
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return valid_conv_config(config, isa_);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedRecurrent>(args, *parse_conv_config(args.config), isa_);
  }

 private:
  Isa isa_;
  const char* op_name_;
  std::string name_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_recurrents(Isa isa) {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<RecurrentPacked>(isa, "LSTM", "lstm"));
  tactics.push_back(std::make_unique<RecurrentPacked>(isa, "GRU", "gru"));
  tactics.push_back(std::make_unique<RecurrentPacked>(isa, "RNN", "rnn"));
  return tactics;
}

}  // namespace hone

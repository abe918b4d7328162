// ConvTranspose by the register tiles of Conv, one convolution per phase (transposed_phases.h).
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/check.h"
#include "base/thread_pool.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/transposed_phases.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;

constexpr size_t kMaxInputs = 20;        // 3, and those that an epilogue may have
constexpr int64_t kMaxPhases = 1 << 10;  // stride 32 in two dimensions

std::vector<int64_t> spatial(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (size_t i = 1; i + 1 < shape.size(); ++i) {
    sizes.push_back(shape[i].is_const() ? shape[i].value() : 1);
  }
  return sizes;
}

// With `sizes`, the pads of "same" are those of the shapes; else 0.
PhaseWindows phase_windows(const StepDesc& step, bool sizes) {
  auto list = transposed_windows(step.attr<ConvTransposeAttributes>(), spatial(step.in_shape(1)),
                                 spatial(step.in_shape(0)),
                                 sizes ? spatial(step.out_shape()) : std::vector<int64_t>());
  HONE_CHECK(list.ok());
  PhaseWindows windows;
  std::copy_backward(list->begin(), list->end(), windows.end());
  return windows;
}

std::array<int64_t, 3> three(const std::vector<int64_t>& sizes) {
  std::array<int64_t, 3> all = {1, 1, 1};
  std::copy_backward(sizes.begin(), sizes.end(), all.end());
  return all;
}

cpu::ConvProblem problem_of(const StepDesc& step, const Phase& phase) {
  return phase_problem(phase, step.in_shape(0).back().value(), step.in_shape(1)[0].value(),
                       step.attr<ConvTransposeAttributes>().groups);
}

// What the phases read before and behind the data.
struct Reach {
  std::array<int64_t, 3> before = {0, 0, 0}, after = {0, 0, 0};
};
Reach reach_of(const std::vector<Phase>& phases, const std::array<int64_t, 3>& in) {
  Reach reach;
  for (const Phase& phase : phases) {
    if (!has_taps(phase)) continue;
    for (size_t i = 0; i < 3; ++i) {
      const PhaseAxis& axis = phase[i];
      if (axis.count == 0) continue;
      const int64_t last = axis.start + axis.count - 1 + (axis.taps - 1) * axis.dilation;
      reach.before[i] = std::max(reach.before[i], -axis.start);
      reach.after[i] = std::max(reach.after[i], last - (in[i] - 1));
    }
  }
  return reach;
}

std::vector<Phase> placed_phases(const PhaseWindows& windows, const std::array<int64_t, 3>& out) {
  std::vector<Phase> phases = make_phases(windows);
  for (Phase& phase : phases) place_phase(windows, out, &phase);
  return phases;
}

// The tensor `layout` as a phase sees it: every stride-th element of the spatial dimensions.
TensorLayout phase_layout(TensorLayout layout, const PhaseWindows& windows, const Phase& phase) {
  for (int i = 1; i + 1 < layout.rank; ++i) {
    const auto axis = static_cast<size_t>(i + 4 - layout.rank);
    layout.shape[i] = phase[axis].count;
    layout.stride[i] *= windows[axis].stride;
  }
  return layout;
}
int64_t phase_offset(const TensorLayout& layout, const Phase& phase) {
  int64_t offset = 0;
  for (int i = 1; i + 1 < layout.rank; ++i) {
    offset += phase[static_cast<size_t>(i + 4 - layout.rank)].first * layout.stride[i];
  }
  return offset;
}

class PreparedTransposed final : public PreparedStep {
 public:
  PreparedTransposed(const PrepareArgs& args, const ConvConfig& config, Isa isa)
      : epilogue_(split_epilogue(*args.step)), isa_(isa), config_(config) {
    num_inputs_ = args.inputs.size();
    packed_ = reinterpret_cast<const float*>(args.packed);
    StepDesc step = *args.step;
    for (size_t i = 0; i < 2; ++i) step.inputs[i].type.shape = shape_of(args.inputs[i]);
    step.outputs[0].type.shape = shape_of(args.outputs[0]);
    for (size_t i = step.num_root_inputs(); i < step.inputs.size(); ++i) {
      if (args.step->in_shape(i) == args.step->out_shape()) full_.push_back(i);
    }
    windows_ = phase_windows(step, true);
    const auto phases = placed_phases(windows_, three(spatial(step.out_shape())));
    prepare_input(args, step, phases);
    int64_t packed = 0;
    for (const Phase& phase : phases) {
      add_phase(args, step, phase, packed);
      packed += cpu::packed_weight_bytes(problem_of(step, phase), config, isa) /
                static_cast<int64_t>(sizeof(float));
    }
    const TensorLayout& out = args.outputs[0];
    if (out.rank == 5) images_ = {out.shape[0], input_.image_stride(), out.stride[0], 0, 0};
    for (size_t i : full_) image_steps_.push_back(out.rank == 5 ? args.inputs[i].stride[0] : 0);
  }

  size_t workspace_bytes() const override { return input_.workspace_bytes(); }

  Status run(const StepContext& context) const override {
    const int64_t items = first_item_.empty() ? 0 : first_item_.back();
    if (items == 0 || images_.count == 0) return ok();
    const float* input = input_.make(context);
    ThreadPool::global().parallel_for(context.threads, images_.count * items,
                                      [&](int64_t begin, int64_t end, int) {
                                        for (int64_t i = begin; i < end; ++i) {
                                          run_item(context, input, i / items, i % items);
                                        }
                                      });
    return ok();
  }

 private:
  // Phases with as many taps and elements share one prepared convolution.
  struct Shared {
    cpu::Conv conv;
    EpilogueRest rest;
  };
  struct Run {
    size_t shared = 0;
    int64_t input = 0, packed = 0, output = 0;  // offsets in floats
    std::vector<int64_t> full;                  // of the inputs full_
  };

  static Shape shape_of(const TensorLayout& layout) {
    return Shape(layout.shape, layout.shape + layout.rank);
  }

  void prepare_input(const PrepareArgs& args, const StepDesc& step,
                     const std::vector<Phase>& phases) {
    const auto in = three(spatial(step.in_shape(0)));
    const Reach reach = reach_of(phases, in);
    const TensorLayout& layout = args.inputs[0];
    whole_.batch = layout.rank == 5 ? layout.shape[1] : layout.shape[0];
    whole_.in_h = in[1];
    whole_.in_w = in[2];
    whole_.in_c = layout.shape[layout.rank - 1];
    whole_.pad_top = reach.before[1];
    whole_.pad_bottom = reach.after[1];
    whole_.pad_left = reach.before[2];
    whole_.pad_right = reach.after[2];
    input_.prepare(args, &whole_, {in[0], 1, reach.before[0], reach.after[0]});
  }

  void add_phase(const PrepareArgs& args, const StepDesc& step, const Phase& phase,
                 int64_t packed) {
    Run run;
    run.packed = packed;
    if (has_taps(phase)) {
      run.input = phase[0].start * whole_.input_d * (args.inputs[0].rank == 5 ? 1 : 0) +
                  phase[1].start * whole_.input.h + phase[2].start * whole_.input.w;
    }
    run.output = phase_offset(args.outputs[0], phase);
    for (size_t i : full_) run.full.push_back(phase_offset(args.inputs[i], phase));
    std::vector<int64_t> key;
    for (const PhaseAxis& axis : phase) {
      key.insert(key.end(), {axis.taps, axis.dilation, axis.count});
    }
    const auto [found, is_new] = keys_.try_emplace(key, shared_.size());
    if (is_new) shared_.push_back(prepare_shared(args, step, phase));
    run.shared = found->second;
    const int64_t before = first_item_.empty() ? 0 : first_item_.back();
    const int64_t items = shared_[run.shared].conv.items;
    if (items == 0) return;
    uniform_ = uniform_ && (runs_.empty() || shared_[runs_[0].shared].conv.items == items);
    first_item_.push_back(before + items);  // the end of this one's items
    runs_.push_back(std::move(run));
  }

  Shared prepare_shared(const PrepareArgs& args, const StepDesc& step, const Phase& phase) const {
    std::vector<TensorLayout> inputs(args.inputs.begin(), args.inputs.end());
    for (size_t i : full_) inputs[i] = phase_layout(inputs[i], windows_, phase);
    const TensorLayout output = phase_layout(args.outputs[0], windows_, phase);
    cpu::ConvProblem p = problem_of(step, phase);
    p.batch = output.rank == 5 ? phase[0].count : output.shape[0];
    p.input = whole_.input;
    p.input_d = whole_.input_d;
    p.output = image_strides(output);
    p.has_addend = epilogue_.addend >= 0;
    if (p.has_addend) p.addend = image_strides(inputs[static_cast<size_t>(epilogue_.addend)]);
    Shared shared;
    shared.conv = cpu::prepare_conv(p, config_, isa_);
    PrepareArgs rest_args = args;
    rest_args.inputs = inputs;
    rest_args.outputs = {&output, 1};
    shared.rest.prepare(epilogue_, rest_args, isa_);
    return shared;
  }

  // Which run an item belongs to, and its number there. Where all have as many items, neighbouring
  // items are of different phases over the same data, which is then still in cache.
  std::pair<size_t, int64_t> locate(int64_t item) const {
    const auto count = static_cast<int64_t>(runs_.size());
    if (uniform_) return {static_cast<size_t>(item % count), item / count};
    const auto at = std::upper_bound(first_item_.begin(), first_item_.end(), item);
    const auto index = static_cast<size_t>(at - first_item_.begin());
    return {index, item - (index == 0 ? 0 : first_item_[index - 1])};
  }

  void run_item(const StepContext& context, const float* input, int64_t image, int64_t item) const {
    const auto [index, number] = locate(item);
    const Run& run = runs_[index];
    const Shared& shared = shared_[run.shared];
    const void* inputs[kMaxInputs];
    std::copy_n(context.inputs, num_inputs_, inputs);
    for (size_t k = 0; k < full_.size(); ++k) {
      inputs[full_[k]] =
          static_cast<const float*>(inputs[full_[k]]) + run.full[k] + image * image_steps_[k];
    }
    void* output = static_cast<float*>(context.outputs[0]) + run.output + image * images_.output;
    StepContext part = context;
    part.inputs = inputs;
    part.outputs = &output;
    cpu::ConvPointers pointers;
    pointers.input = input + run.input + image * images_.input;
    pointers.packed = packed_ + run.packed;
    pointers.output = static_cast<float*>(output);
    set_epilogue(epilogue_, part, &pointers);
    EpilogueRest::Call call;
    shared.rest.attach(part, &call, &pointers);
    cpu::run_conv(shared.conv, pointers, number, number + 1);
  }

  FusedEpilogue epilogue_;
  Isa isa_;
  ConvConfig config_;
  const float* packed_;
  PhaseWindows windows_;
  cpu::ConvProblem whole_;  // the data with the padding that all phases need
  PaddedInput input_;
  std::vector<size_t> full_;  // inputs of the epilogue as large as the result
  std::map<std::vector<int64_t>, size_t> keys_;
  std::vector<Shared> shared_;
  std::vector<Run> runs_;
  std::vector<int64_t> first_item_;
  std::vector<int64_t> image_steps_;
  ConvImages images_;
  size_t num_inputs_ = 0;
  bool uniform_ = true;
};

Verdict dtypes(const StepDesc& step) {
  StepDesc floats = step;
  if (step.num_root_inputs() > 2) floats.inputs.erase(floats.inputs.begin() + 2);
  return all_f32(floats);
}

class ConvTransposed final : public Tactic {
 public:
  explicit ConvTransposed(Isa isa)
      : isa_(isa), name_(fmt::format("conv_transposed_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return "ConvTranspose"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = dtypes(step); !verdict.ok()) return verdict;
    if (!step.inputs[1].is_constant) return Verdict::no("weights are not constant");
    if (!is_static(step.in_shape(1)) || !step.in_shape(0).back().is_const()) {
      return Verdict::no("the number of channels or the kernel size is not fixed");
    }
    for (const Dim& dim : step.in_shape(1)) {
      if (dim.value() == 0) return Verdict::no("empty weights");
    }
    int64_t phases = 1;
    for (int64_t stride : step.attr<ConvTransposeAttributes>().strides) {
      phases = stride > kMaxPhases ? kMaxPhases + 1 : phases * stride;
      if (phases > kMaxPhases) return Verdict::no("strides are too large");
    }
    if (step.inputs.size() > kMaxInputs) return Verdict::no("too many inputs");
    return can_fuse_epilogue(step);
  }

  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    const PhaseWindows windows = phase_windows(step, is_static(step.out_shape()));
    const auto phases = placed_phases(windows, three(spatial(step.out_shape())));
    const auto most = std::max_element(phases.begin(), phases.end(),
                                       [&](auto& a, auto& b) { return taps(a) < taps(b); });
    cpu::ConvProblem p = problem_of(step, *most);
    const Dim& batch = step.in_shape(0)[0];
    p.batch = (batch.is_const() ? batch.value() : 1) * (*most)[0].count;
    p.input = cpu::padded_strides(p);
    std::vector<Config> configs;
    for (const ConvConfig& config : cpu::candidates(p, isa_, cpu_info().l2_bytes)) {
      configs.push_back(conv_config_text(config));
    }
    return configs;
  }

  StorageWish storage(const StepDesc& step, const Config&) const override {
    const Shape& data = step.in_shape(0);
    const bool fixed = is_static(data) && is_static(step.out_shape());
    const auto& attributes = step.attr<ConvTransposeAttributes>();
    // What is read beyond the data does not depend on its size, but for "same" and given sizes.
    const bool same = attributes.auto_pad.starts_with("same");
    if (!fixed && (same || step.num_root_inputs() > 2)) return {};
    const PhaseWindows windows = phase_windows(step, fixed);
    std::array<int64_t, 3> in = three(spatial(data)), out = three(spatial(step.out_shape()));
    for (size_t i = 0; !fixed && i < 3; ++i) {
      const size_t axis = i + data.size() - 4;  // wraps for missing ones, which have size 1
      if (i + data.size() < 5 || data[axis].is_const()) continue;
      const size_t k = axis - 1;
      in[i] = windows[i].extent();
      const Dim size =
          transposed_output(Dim(in[i]), windows[i],
                            attributes.output_padding.empty() ? 0 : attributes.output_padding[k],
                            attributes.auto_pad);
      out[i] = size.value();
    }
    const Reach reach = reach_of(placed_phases(windows, out), in);
    Halo halo;
    halo.before.assign(data.size(), 0);
    halo.after.assign(data.size(), 0);
    bool any = false;
    for (size_t axis = 1; axis + 1 < data.size(); ++axis) {
      halo.before[axis] = reach.before[axis + 4 - data.size()];
      halo.after[axis] = reach.after[axis + 4 - data.size()];
      any = any || halo.before[axis] > 0 || halo.after[axis] > 0;
    }
    StorageWish wish;
    if (any) wish.input_halo.push_back(std::move(halo));
    return wish;
  }

  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return output_may_replace_addend(step, i);
  }
  std::string packing_key(const StepDesc&, const Config& config) const override {
    return conv_packing_key(config);
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    int64_t bytes = 0;
    for (const Phase& phase : make_phases(phase_windows(step, false))) {
      bytes += cpu::packed_weight_bytes(problem_of(step, phase), *parse_conv_config(config), isa_);
    }
    return static_cast<size_t>(bytes);
  }
  std::vector<size_t> replaced_inputs(const StepDesc&) const override { return {1}; }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    const ConvConfig parsed = *parse_conv_config(config);
    const PhaseWindows windows = phase_windows(step, false);
    auto* to = reinterpret_cast<float*>(packed);
    for (const Phase& phase : make_phases(windows)) {
      const cpu::ConvProblem p = problem_of(step, phase);
      pack_phase(p, phase, windows, parsed, cpu::tile_table(isa_).lanes,
                 step.inputs[1].constant->data<float>(), to);
      to += cpu::packed_weight_bytes(p, parsed, isa_) / static_cast<int64_t>(sizeof(float));
    }
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return valid_conv_config(config, isa_);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedTransposed>(args, *parse_conv_config(args.config), isa_);
  }

 private:
  static int64_t taps(const Phase& phase) { return phase[0].taps * phase[1].taps * phase[2].taps; }

  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_conv_transposed(cpu::Isa isa) {
  return std::make_unique<ConvTransposed>(isa);
}

}  // namespace hone

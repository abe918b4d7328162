// Conv 3x3, stride 1, by Winograd's method (kernels/cpu/winograd.h).
#include <fmt/core.h>

#include "base/thread_pool.h"
#include "kernels/cpu/winograd.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

using cpu::Isa;
using cpu::WinogradConfig;

constexpr int64_t kMaxBlock = 1 << 20;

Config to_text(const WinogradConfig& config) {
  ConfigText text;
  text.set("tile", config.tile);
  text.set("rows", config.rows);
  text.set("vectors", config.vectors);
  text.set("tile_rows", config.tile_rows);
  text.set("channel_groups", config.channel_groups);
  text.set("prefetch", config.prefetch);
  return text.text();
}

std::optional<WinogradConfig> from_text(const Config& config) {
  const auto text = ConfigText::parse(config);
  if (!text) return std::nullopt;
  WinogradConfig out;
  out.tile = static_cast<int>(text->get("tile"));
  out.rows = static_cast<int>(text->get("rows"));
  out.vectors = static_cast<int>(text->get("vectors"));
  out.tile_rows = text->get("tile_rows");
  out.channel_groups = text->get("channel_groups");
  out.prefetch = text->get("prefetch") != 0;
  if (to_text(out) != config) return std::nullopt;
  return out;
}

class PreparedWinograd final : public PreparedStep {
 public:
  PreparedWinograd(const PrepareArgs& args, const WinogradConfig& config, Isa isa)
      : epilogue_(split_epilogue(*args.step)) {
    cpu::ConvProblem problem = conv_problem(args, epilogue_);
    input_.prepare(args, &problem);
    winograd_ = cpu::prepare_winograd(problem, config, isa);
    packed_ = reinterpret_cast<const float*>(args.packed);
    threads_ = args.target->threads;
    input_bytes_ = round_up_to_line(input_.workspace_bytes());
    thread_bytes_ =
        round_up_to_line(static_cast<size_t>(winograd_.workspace_floats) * sizeof(float));
  }

  size_t workspace_bytes() const override {
    return input_bytes_ + thread_bytes_ * static_cast<size_t>(threads_);
  }

  Status run(const StepContext& context) const override {
    if (winograd_.items == 0) return ok();
    cpu::ConvPointers pointers;
    pointers.input = input_.make(context);
    pointers.packed = packed_;
    pointers.output = static_cast<float*>(context.outputs[0]);
    set_epilogue(epilogue_, context, &pointers);
    ThreadPool::global().parallel_for(
        std::min(context.threads, threads_), winograd_.items,
        [&](int64_t begin, int64_t end, int worker) {
          std::byte* workspace =
              context.workspace + input_bytes_ + thread_bytes_ * static_cast<size_t>(worker);
          cpu::run_winograd(winograd_, pointers, reinterpret_cast<float*>(workspace), begin, end);
        });
    return ok();
  }

 private:
  FusedEpilogue epilogue_;
  PaddedInput input_;
  cpu::Winograd winograd_;
  const float* packed_;
  int threads_;
  size_t input_bytes_, thread_bytes_;
};

class ConvWinograd final : public Tactic {
 public:
  explicit ConvWinograd(Isa isa)
      : isa_(isa), name_(fmt::format("conv_winograd_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 3; }
  const char* op_name() const override { return "Conv"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (step.strict_fp32) return Verdict::no("strict FP32 was asked for");
    if (const Verdict verdict = conv_basics(step); !verdict.ok()) return verdict;
    if (step.in_shape(0).size() == 5) return Verdict::no("3 spatial dimensions");
    const cpu::ConvProblem p = conv_problem(step);
    if (p.kernel_h != 3 || p.kernel_w != 3) return Verdict::no("the kernel is not 3x3");
    if (p.stride_h != 1 || p.stride_w != 1 || p.dilation_h != 1 || p.dilation_w != 1 ||
        p.groups != 1) {
      return Verdict::no("stride, dilation or groups are not 1");
    }
    if (!split_epilogue(step).rest.empty())
      return Verdict::no("an epilogue beyond addition and clamp");
    return Verdict::yes();
  }

  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    std::vector<Config> configs;
    for (const auto& config :
         cpu::winograd_candidates(conv_problem(step), isa_, cpu_info().l2_bytes)) {
      configs.push_back(to_text(config));
    }
    return configs;
  }
  StorageWish storage(const StepDesc& step, const Config&) const override {
    return conv_storage(step);
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return output_may_replace_addend(step, i);
  }

  std::string packing_key(const StepDesc&, const Config& config) const override {
    const auto parsed = from_text(config);
    return parsed ? fmt::format("tile={} vectors={}", parsed->tile, parsed->vectors) : "";
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    return static_cast<size_t>(
        cpu::winograd_weight_bytes(conv_problem(step), *from_text(config), isa_));
  }
  std::vector<size_t> replaced_inputs(const StepDesc&) const override { return {1}; }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    cpu::pack_winograd_weights(conv_problem(step), *from_text(config), isa_,
                               step.inputs[1].constant->data<float>(),
                               reinterpret_cast<float*>(packed));
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    const auto c = from_text(config);
    return c && (c->tile == 2 || c->tile == 4) && has_tile(isa_, c->rows, c->vectors) &&
           c->tile_rows >= 1 && c->tile_rows <= kMaxBlock && c->channel_groups >= 1 &&
           c->channel_groups <= kMaxBlock;
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedWinograd>(args, *from_text(args.config), isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_conv_winograd(cpu::Isa isa) {
  return std::make_unique<ConvWinograd>(isa);
}

}  // namespace hone

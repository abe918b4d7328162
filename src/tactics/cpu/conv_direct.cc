// Conv by register tiles over the padded input (kernels/cpu/conv.h).
#include <fmt/core.h>

#include "base/thread_pool.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;

class PreparedConv final : public PreparedStep {
 public:
  PreparedConv(const PrepareArgs& args, const ConvConfig& config, Isa isa)
      : epilogue_(split_epilogue(*args.step)) {
    cpu::ConvProblem problem = conv_problem(args, epilogue_);
    input_.prepare(args, &problem, conv_depth(args));
    images_ = conv_images(args, epilogue_, input_);
    rest_.prepare(epilogue_, args, isa);
    conv_ = cpu::prepare_conv(problem, config, isa);
    packed_ = reinterpret_cast<const float*>(args.packed);
  }

  size_t workspace_bytes() const override { return input_.workspace_bytes(); }

  Status run(const StepContext& context) const override {
    if (conv_.items == 0) return ok();
    cpu::ConvPointers pointers;
    pointers.input = input_.make(context);
    pointers.packed = packed_;
    pointers.output = static_cast<float*>(context.outputs[0]);
    set_epilogue(epilogue_, context, &pointers);
    EpilogueRest::Call call;
    rest_.attach(context, &call, &pointers);
    for (int64_t n = 0; n < images_.count; ++n) {
      ThreadPool::global().parallel_for(
          context.threads, conv_.items,
          [&](int64_t begin, int64_t end, int) { cpu::run_conv(conv_, pointers, begin, end); });
      pointers.input += images_.input;
      pointers.output += images_.output;
      if (pointers.addend) pointers.addend += images_.addend;
      call.first_pixel += images_.pixels;
    }
    return ok();
  }

 private:
  FusedEpilogue epilogue_;
  PaddedInput input_;
  ConvImages images_;
  EpilogueRest rest_;
  cpu::Conv conv_;
  const float* packed_;
};

class ConvDirect final : public Tactic {
 public:
  explicit ConvDirect(Isa isa) : isa_(isa), name_(fmt::format("conv_direct_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return "Conv"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    return conv_basics(step);
  }

  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    std::vector<Config> configs;
    for (const ConvConfig& config :
         cpu::candidates(conv_problem(step), isa_, cpu_info().l2_bytes)) {
      configs.push_back(conv_config_text(config));
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
    return conv_packing_key(config);
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    return static_cast<size_t>(
        cpu::packed_weight_bytes(conv_problem(step), *parse_conv_config(config), isa_));
  }
  std::vector<size_t> replaced_inputs(const StepDesc&) const override { return {1}; }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    cpu::pack_weights(conv_problem(step), *parse_conv_config(config), isa_,
                      step.inputs[1].constant->data<float>(), reinterpret_cast<float*>(packed));
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return valid_conv_config(config, isa_);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedConv>(args, *parse_conv_config(args.config), isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_conv_direct(cpu::Isa isa) { return std::make_unique<ConvDirect>(isa); }

}  // namespace hone

// The tactic for ConvChain; how it runs: conv_chain.h.
#include "tactics/cpu/conv_chain.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "ops/spatial.h"
#include "tactics/conv_chain_parts.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;

constexpr int64_t kMaxStrip = 64;

bool is_depthwise(const cpu::ConvProblem& p) {
  return p.groups == p.in_c && p.out_c == p.in_c && p.dilation_h == 1 && p.in_c > 1;
}

bool is_pointwise(const StepDesc& part, const cpu::ConvProblem& p) {
  for (int64_t pad : part.attr<ConvAttributes>().pads) {
    if (pad != 0) return false;
  }
  return p.groups == 1 && p.kernel_h == 1 && p.kernel_w == 1 && p.stride_h == 1 && p.stride_w == 1;
}

// A size between two Convs is no tensor of the plan, so binding does not see that it is negative:
// the window must fit whatever the size is.
bool always_fits(const StepDesc& part) {
  const auto& attributes = part.attr<ConvAttributes>();
  const Shape& weights = part.in_shape(1);
  auto windows = explicit_windows(attributes, {weights[1].value(), weights[2].value()});
  HONE_CHECK(windows.ok());
  for (size_t i = 0; i < 2; ++i) {
    const Dim& size = part.out_shape()[i + 1];
    const Window& window = (*windows)[i];
    const bool padded = window.pad_begin + window.pad_end >= window.extent() - 1;
    const bool fits =
        size.is_const() ? size.value() >= 0 : padded || attributes.auto_pad.starts_with("same");
    if (!fits) return false;
  }
  return true;
}

Verdict find_roles(const std::vector<StepDesc>& parts, ChainRoles* roles) {
  std::vector<cpu::ConvProblem> problems;
  for (const StepDesc& part : parts) {
    if (const Verdict verdict = conv_basics(part); !verdict.ok()) return verdict;
    if (part.in_shape(0).size() != 4) return Verdict::no("not 2 spatial dimensions");
    if (&part != &parts.back() && !always_fits(part)) {
      return Verdict::no("a size between the Convs may be negative");
    }
    if (part.inputs.size() > kMaxChainInputs)
      return Verdict::no("the epilogue has too many inputs");
    problems.push_back(conv_problem(part));
  }
  const int last = static_cast<int>(parts.size()) - 1;
  roles->filter = is_depthwise(problems[0]) ? 0 : 1;
  roles->expand = roles->filter - 1;
  if (!is_depthwise(problems[static_cast<size_t>(roles->filter)]) ||
      (roles->expand == 0 && problems[0].groups != 1) || roles->filter + 1 < last) {
    return Verdict::no("no depthwise Conv where one is needed");
  }
  if (roles->filter == last) return Verdict::yes();
  roles->project = last;
  if (!is_pointwise(parts.back(), problems.back())) return Verdict::no("the last Conv is not 1x1");
  return Verdict::yes();
}

Config chain_config_text(const ChainConfig& config) {
  ConfigText text;
  text.set("strip", config.strip);
  text.set("rows", config.tile.rows);
  text.set("vectors", config.tile.vectors);
  return text.text();
}

std::optional<ChainConfig> parse_chain_config(const Config& config, Isa isa) {
  const auto text = ConfigText::parse(config);
  if (!text) return std::nullopt;
  if (!has_tile(isa, text->get("rows"), text->get("vectors"))) return std::nullopt;
  ChainConfig out;
  out.strip = text->get("strip");
  out.tile.rows = static_cast<int>(text->get("rows"));
  out.tile.vectors = static_cast<int>(text->get("vectors"));
  out.tile.m_block = 16;
  if (out.strip < 1 || out.strip > kMaxStrip || chain_config_text(out) != config) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

ChainPacking chain_packing(const std::vector<StepDesc>& parts, const ChainRoles& roles,
                           const ConvConfig& tile, Isa isa) {
  ChainPacking packing;
  for (size_t i = 0; i < parts.size(); ++i) {
    const cpu::ConvProblem problem = conv_problem(parts[i]);
    const bool filter = static_cast<int>(i) == roles.filter;
    const int64_t bytes = filter ? cpu::packed_depthwise_floats(depthwise_problem(problem), isa) * 4
                                 : cpu::packed_weight_bytes(problem, tile, isa);
    packing.offset[i] = packing.bytes;
    packing.bytes += round_up_to_line(static_cast<size_t>(bytes));
  }
  return packing;
}

namespace {

class ConvChain final : public Tactic {
 public:
  explicit ConvChain(Isa isa) : isa_(isa), name_(fmt::format("conv_chain_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return "ConvChain"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    ChainRoles roles;
    return find_roles(conv_chain_parts(step), &roles);
  }
  // Both tiles that suit the channels, with few and with many rows: a ring in the L2 cache, or less
  // work per strip.
  std::vector<Config> candidates(const StepDesc&, const Target&) const override {
    std::vector<Config> configs;
    for (const int64_t strip : {2, 1, 4, 8}) {
      for (const int vectors : {2, 3}) {
        ChainConfig config;
        config.strip = strip;
        config.tile.vectors = vectors;
        config.tile.rows = isa_ == Isa::kAvx2 ? 12 / vectors : vectors == 2 ? 14 : 8;
        configs.push_back(chain_config_text(config));
      }
    }
    return configs;
  }
  StorageWish storage(const StepDesc& step, const Config&) const override {
    const auto parts = conv_chain_parts(step);
    return roles_of(parts).expand < 0 ? StorageWish() : conv_storage(parts[0]);
  }
  std::string packing_key(const StepDesc&, const Config& config) const override {
    const auto parsed = parse_chain_config(config, isa_);
    return parsed ? fmt::format("vectors={}", parsed->tile.vectors) : "";
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    const auto parts = conv_chain_parts(step);
    return chain_packing(parts, roles_of(parts), parse_chain_config(config, isa_)->tile, isa_)
        .bytes;
  }
  std::vector<size_t> replaced_inputs(const StepDesc& step) const override {
    std::vector<size_t> weights;
    for (size_t i = 1; i < step.num_root_inputs(); i += 2) weights.push_back(i);
    return weights;
  }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    const auto parts = conv_chain_parts(step);
    const ChainRoles roles = roles_of(parts);
    const ConvConfig tile = parse_chain_config(config, isa_)->tile;
    const ChainPacking packing = chain_packing(parts, roles, tile, isa_);
    for (size_t i = 0; i < parts.size(); ++i) {
      const cpu::ConvProblem problem = conv_problem(parts[i]);
      const float* weights = parts[i].inputs[1].constant->data<float>();
      auto* to = reinterpret_cast<float*>(packed + packing.offset[i]);
      if (static_cast<int>(i) == roles.filter) {
        cpu::pack_depthwise(depthwise_problem(problem), isa_, weights, to);
      } else {
        cpu::pack_weights(problem, tile, isa_, weights, to);
      }
    }
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return parse_chain_config(config, isa_).has_value();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return prepare_chain(args, roles_of(conv_chain_parts(*args.step)),
                         *parse_chain_config(args.config, isa_), isa_);
  }

 private:
  static ChainRoles roles_of(const std::vector<StepDesc>& parts) {
    ChainRoles roles;
    HONE_CHECK(find_roles(parts, &roles).ok());
    return roles;
  }

  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_conv_chain(cpu::Isa isa) { return std::make_unique<ConvChain>(isa); }

}  // namespace hone

// All tactics, in order of preference within an operator. Without timing the first that can run is
// taken.
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/lrn.h"
#include "tactics/tactic.h"

namespace hone {
namespace {

// Pointwise operators whose operands and result can all be f32.
bool all_float(const OpDef& op) {
  const std::string_view name = op.name;
  return name == "Pointwise" || (op.pointwise && !op.pointwise->boolean_result && name != "Where");
}

std::vector<const Tactic*> make_list() {
  std::vector<const Tactic*> list;
  const auto add = [&list](std::unique_ptr<Tactic> tactic) {
    list.push_back(tactic.release());
  };  // never freed
  for (cpu::Isa isa : {cpu::Isa::kAvx512, cpu::Isa::kAvx2}) {
    add(make_conv_depthwise(isa));
    add(make_conv_winograd(isa));
    add(make_conv_direct(isa));
    add(make_conv_chain(isa));
    add(make_conv_transposed(isa));
    add(make_matmul_packed(isa));
    add(make_matmul_dynamic(isa));
    add(make_attention(isa));
    add(make_max_pool(isa));
    add(make_average_pool(isa));
    add(make_resize(isa));
    for (const OpDef* op : all_ops()) {
      if (all_float(*op)) add(make_pointwise(isa, *op));
    }
    add(make_lrn(isa));
    for (auto& tactic : make_softmaxes(isa)) add(std::move(tactic));
    for (auto& tactic : make_reductions(isa)) add(std::move(tactic));
    for (auto& tactic : make_recurrents(isa)) add(std::move(tactic));
    for (auto& tactic : make_normalizations(isa)) add(std::move(tactic));
  }
  for (auto& tactic : make_copies()) add(std::move(tactic));
  for (const OpDef* op : all_ops()) {
    if (op->pointwise || std::string_view(op->name) == "Pointwise") add(make_any_pointwise(*op));
  }
  add(make_cast());
  add(make_fill());
  add(make_range());
  add(make_pad_border());
  add(make_resize_nearest());
  add(make_pad());
  add(make_gather());
  for (auto& tactic : make_arg_reductions()) add(std::move(tactic));
  for (auto& tactic : make_any_reductions()) add(std::move(tactic));
  for (auto& tactic : make_shapes()) add(std::move(tactic));
  for (auto& tactic : make_indexed()) add(std::move(tactic));
  for (auto& tactic : make_elements()) add(std::move(tactic));
  add(make_top_k());
  for (auto& tactic : make_nms()) add(std::move(tactic));
  for (auto& tactic : make_found()) add(std::move(tactic));
  list.push_back(&reference_tactic());
  return list;
}

}  // namespace

std::span<const Tactic* const> all_tactics() {
  static const auto* list = new std::vector<const Tactic*>(make_list());
  return *list;
}

Verdict can_run_step(const Tactic& tactic, const StepDesc& step, const Target& target) {
  if (step.sizes_outputs && !tactic.can_size_outputs()) {
    return Verdict::no("the size of the result depends on values");
  }
  return tactic.can_run(step, target);
}

const Tactic* find_tactic(std::string_view name) {
  for (const Tactic* tactic : all_tactics()) {
    if (name == tactic->name()) return tactic;
  }
  return nullptr;
}

}  // namespace hone

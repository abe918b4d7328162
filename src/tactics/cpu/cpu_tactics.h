// The CPU tactics, one maker per file. Only tactic_list.cc includes this.
#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/isa.h"
#include "tactics/tactic.h"

namespace hone {

std::unique_ptr<Tactic> make_conv_chain(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_depthwise(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_winograd(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_direct(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_transposed(cpu::Isa isa);
std::unique_ptr<Tactic> make_matmul_packed(cpu::Isa isa);
std::unique_ptr<Tactic> make_matmul_dynamic(cpu::Isa isa);
std::unique_ptr<Tactic> make_attention(cpu::Isa isa);
std::unique_ptr<Tactic> make_max_pool(cpu::Isa isa);
std::unique_ptr<Tactic> make_average_pool(cpu::Isa isa);
std::unique_ptr<Tactic> make_resize(cpu::Isa isa);
std::unique_ptr<Tactic> make_resize_nearest();
std::unique_ptr<Tactic> make_pointwise(cpu::Isa isa, const OpDef& op);
std::vector<std::unique_ptr<Tactic>> make_softmaxes(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_reductions(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_recurrents(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_normalizations(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_copies();
std::unique_ptr<Tactic> make_pad();
std::unique_ptr<Tactic> make_gather();
std::unique_ptr<Tactic> make_pad_border();
std::unique_ptr<Tactic> make_any_pointwise(const OpDef& op);
std::unique_ptr<Tactic> make_cast();
std::unique_ptr<Tactic> make_fill();
std::unique_ptr<Tactic> make_range();
std::vector<std::unique_ptr<Tactic>> make_arg_reductions();
std::vector<std::unique_ptr<Tactic>> make_any_reductions();
std::vector<std::unique_ptr<Tactic>> make_shapes();
std::vector<std::unique_ptr<Tactic>> make_indexed();
std::vector<std::unique_ptr<Tactic>> make_elements();
std::unique_ptr<Tactic> make_top_k();
std::vector<std::unique_ptr<Tactic>> make_nms();
std::vector<std::unique_ptr<Tactic>> make_found();

}  // namespace hone

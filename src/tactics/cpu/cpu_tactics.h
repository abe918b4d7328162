// The CPU tactics, one maker per file. Only tactic_list.cc includes this.
#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/isa.h"
#include "tactics/tactic.h"

namespace hone {

std::unique_ptr<Tactic> make_conv_depthwise(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_winograd(cpu::Isa isa);
std::unique_ptr<Tactic> make_conv_direct(cpu::Isa isa);
std::unique_ptr<Tactic> make_matmul_packed(cpu::Isa isa);
std::unique_ptr<Tactic> make_matmul_dynamic(cpu::Isa isa);
std::unique_ptr<Tactic> make_max_pool(cpu::Isa isa);
std::unique_ptr<Tactic> make_average_pool(cpu::Isa isa);
std::unique_ptr<Tactic> make_pointwise(cpu::Isa isa, const OpDef& op);
std::vector<std::unique_ptr<Tactic>> make_softmaxes(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_reductions(cpu::Isa isa);
std::vector<std::unique_ptr<Tactic>> make_copies();
std::unique_ptr<Tactic> make_pad();
std::unique_ptr<Tactic> make_gather();
std::vector<std::unique_ptr<Tactic>> make_indexed();
std::vector<std::unique_ptr<Tactic>> make_elements();
std::unique_ptr<Tactic> make_top_k();
std::vector<std::unique_ptr<Tactic>> make_nms();
std::vector<std::unique_ptr<Tactic>> make_found();

}  // namespace hone

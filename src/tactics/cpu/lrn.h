#pragma once

#include <memory>

#include "kernels/cpu/isa.h"
#include "tactics/tactic.h"

namespace hone {

std::unique_ptr<Tactic> make_lrn(cpu::Isa isa);

}  // namespace hone

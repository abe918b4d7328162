// cpu::ConvConfig as the text that plans and timing caches hold. Shared by Conv and MatMul.
#pragma once

#include <optional>

#include "kernels/cpu/conv.h"
#include "tactics/cpu/common.h"

namespace hone {

Config conv_config_text(const cpu::ConvConfig& config);
// nullopt unless `config` is something that conv_config_text makes.
std::optional<cpu::ConvConfig> parse_conv_config(const Config& config);
// Parses, has a register tile of `isa`, and block sizes within reason: what plans from strangers
// must pass.
bool valid_conv_config(const Config& config, cpu::Isa isa);
// Packing depends on the width of the register tile only.
std::string conv_packing_key(const Config& config);
// Does the kernel have this register tile?
bool has_tile(cpu::Isa isa, int64_t rows, int64_t vectors);

}  // namespace hone

#include "tactics/cpu/conv_config_text.h"

#include <fmt/core.h>

namespace hone {
namespace {
constexpr int64_t kMaxBlock = 1 << 20;
}

Config conv_config_text(const cpu::ConvConfig& config) {
  ConfigText text;
  text.set("rows", config.rows);
  text.set("vectors", config.vectors);
  text.set("panels_outside", config.order == cpu::LoopOrder::kPanelsOutside);
  text.set("k_block", config.k_block);
  text.set("m_block", config.m_block);
  text.set("prefetch", config.prefetch);
  return text.text();
}

std::optional<cpu::ConvConfig> parse_conv_config(const Config& config) {
  const auto text = ConfigText::parse(config);
  if (!text) return std::nullopt;
  cpu::ConvConfig out;
  out.rows = static_cast<int>(text->get("rows"));
  out.vectors = static_cast<int>(text->get("vectors"));
  out.order =
      text->get("panels_outside") ? cpu::LoopOrder::kPanelsOutside : cpu::LoopOrder::kTilesOutside;
  out.k_block = text->get("k_block");
  out.m_block = text->get("m_block");
  out.prefetch = text->get("prefetch") != 0;
  if (conv_config_text(out) != config) return std::nullopt;
  return out;
}

bool valid_conv_config(const Config& config, cpu::Isa isa) {
  const auto parsed = parse_conv_config(config);
  return parsed && has_tile(isa, parsed->rows, parsed->vectors) && parsed->k_block <= kMaxBlock &&
         parsed->m_block <= kMaxBlock &&
         (parsed->m_block >= 1 || parsed->order == cpu::LoopOrder::kPanelsOutside);
}

std::string conv_packing_key(const Config& config) {
  const auto parsed = parse_conv_config(config);
  return parsed ? fmt::format("vectors={}", parsed->vectors) : "";
}

bool has_tile(cpu::Isa isa, int64_t rows, int64_t vectors) {
  if (rows < 1 || rows > cpu::kMaxTileRows || vectors < 1 || vectors > cpu::kMaxTileVectors)
    return false;
  return cpu::tile_table(isa).tile[vectors][rows] != nullptr;
}

}  // namespace hone

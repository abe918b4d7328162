// The container of a plan file: header, section table, sections, checksums. It knows nothing of
// what is in the sections. Layout: docs/plan-format.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone::plan_file {

inline constexpr size_t kAlignment = 64;  // of every section, and of every piece of one
inline constexpr size_t kHeaderBytes = 64;
inline constexpr size_t kEntryBytes = 32;  // of the section table
inline constexpr size_t kMaxTunedParts = 64;
inline constexpr size_t kMaxSections = 2 + kMaxTunedParts;

enum class SectionKind : uint32_t { kMetadata = 1, kConstants = 2, kPacked = 3 };

// "section 'metadata'", "section 'packed weights 0'".
std::string section_name(SectionKind kind, uint32_t index);

constexpr uint64_t align_up(uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

// What goes into one section: pieces, each at a multiple of kAlignment, zeros between them.
struct SectionPieces {
  SectionKind kind = SectionKind::kMetadata;
  uint32_t index = 0;
  std::vector<std::string_view> pieces;
};

// The whole file as pieces, one after another: views into those of the sections and into itself, so
// that gigabytes of weights are not copied. Does not move: it is made once and kept.
struct FilePieces {
  std::string head;
  std::vector<std::string_view> pieces;  // the first is `head`
  uint64_t size = 0;
};
std::unique_ptr<const FilePieces> lay_out(const std::vector<SectionPieces>& sections);

// The sections of a file, views into `bytes`.
struct Sections {
  std::string_view metadata, constants;
  std::vector<std::string_view> packed;  // one per tuned part
};

// Checks magic, version, sizes, checksums and padding: every byte of the file. Errors: kPlan.
Result<Sections> read_sections(std::string_view bytes);

}  // namespace hone::plan_file

#include "plan/plan_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "plan/plan.h"

namespace hone::plan_file {
namespace {

static_assert(std::endian::native == std::endian::little, "plan files are little-endian");

constexpr char kMagic[8] = {'H', 'O', 'N', 'E', 'P', 'L', 'A', 'N'};
constexpr size_t kVersionEnd = 12;  // magic and version stay where they are in all versions

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t flags;  // 0
  uint64_t file_size;
  uint64_t table_offset;  // kHeaderBytes
  uint32_t section_count;
  uint32_t reserved0;       // 0
  uint64_t table_checksum;  // XXH3-64 of the section table
  uint64_t reserved1;       // 0
  uint64_t checksum;        // XXH3-64 of the bytes before it
};
static_assert(sizeof(Header) == kHeaderBytes);

struct Entry {
  uint32_t kind;
  uint32_t index;
  uint64_t offset;
  uint64_t size;
  uint64_t checksum;  // XXH3-64 of the section's bytes
};
static_assert(sizeof(Entry) == kEntryBytes);

uint64_t header_checksum(const Header& header) {
  return hash64(&header, offsetof(Header, checksum));
}

Status damaged(std::string where, std::string what) {
  return Status(Code::kPlan, std::move(what)).at(std::move(where)).fix("build the plan again");
}

Result<Header> read_header(std::string_view bytes) {
  if (bytes.substr(0, sizeof kMagic) != std::string_view(kMagic, sizeof kMagic)) {
    return damaged("byte 0", bytes.empty() ? "the file is empty" : "this is not a Hone plan");
  }
  if (bytes.size() < kVersionEnd) {
    return damaged(fmt::format("byte {}", bytes.size()), "the file ends in the header");
  }
  // Before everything else: other versions may differ in everything else.
  uint32_t version = 0;
  std::memcpy(&version, bytes.data() + sizeof kMagic, sizeof version);
  if (version != kPlanVersion) {
    return Status(Code::kPlan,
                  fmt::format("made by another version (format {}; this Hone reads {}): "
                              "build it again",
                              version, kPlanVersion))
        .at("header");
  }
  if (bytes.size() < kHeaderBytes) {
    return damaged(fmt::format("byte {}", bytes.size()), "the file ends in the header");
  }
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.checksum != header_checksum(header)) {
    return damaged("header", "the checksum does not match");
  }
  if (header.flags != 0 || header.reserved0 != 0 || header.reserved1 != 0) {
    return damaged("header", "a reserved field is not 0");
  }
  if (header.file_size != bytes.size()) {
    return damaged("header", fmt::format("the file should have {} bytes, but has {}",
                                         header.file_size, bytes.size()));
  }
  return header;
}

Result<std::vector<Entry>> read_table(std::string_view bytes, const Header& header) {
  if (header.section_count < 2 || header.section_count > kMaxSections) {
    return damaged("header", fmt::format("{} sections", header.section_count));
  }
  const size_t table_bytes = header.section_count * kEntryBytes;
  if (header.table_offset != kHeaderBytes || bytes.size() - kHeaderBytes < table_bytes) {
    return damaged("header", "the section table is not inside the file");
  }
  std::vector<Entry> entries(header.section_count);
  std::memcpy(entries.data(), bytes.data() + kHeaderBytes, table_bytes);
  if (header.table_checksum != hash64(entries.data(), table_bytes)) {
    return damaged("section table", "the checksum does not match");
  }
  return entries;
}

// Where section `i` must be: metadata, constants, packed weights of part 0, 1, ...
SectionKind kind_of(size_t i) {
  return i == 0 ? SectionKind::kMetadata : i == 1 ? SectionKind::kConstants : SectionKind::kPacked;
}
uint32_t index_of(size_t i) { return i < 2 ? 0 : static_cast<uint32_t>(i - 2); }

// Zeros from `position` to the next multiple of kAlignment, or to the end of the file.
Status check_padding(std::string_view bytes, uint64_t position) {
  const uint64_t end = std::min<uint64_t>(align_up(position), bytes.size());
  for (; position < end; ++position) {
    if (bytes[position] != 0) {
      return damaged(fmt::format("byte {}", position), "the padding is not 0");
    }
  }
  return ok();
}

}  // namespace

std::string section_name(SectionKind kind, uint32_t index) {
  switch (kind) {
    case SectionKind::kMetadata:
      return "section 'metadata'";
    case SectionKind::kConstants:
      return "section 'constants'";
    case SectionKind::kPacked:
      return fmt::format("section 'packed weights {}'", index);
  }
  return "section";
}

std::unique_ptr<const FilePieces> lay_out(const std::vector<SectionPieces>& sections) {
  HONE_CHECK(sections.size() >= 2 && sections.size() <= kMaxSections);
  static constexpr char kZeros[kAlignment] = {};
  const size_t table_bytes = sections.size() * kEntryBytes;
  auto file = std::make_unique<FilePieces>();
  std::vector<Entry> entries;
  uint64_t end = kHeaderBytes + table_bytes;
  const auto pad = [&file, &end] {
    const uint64_t next = align_up(end);
    if (next > end) file->pieces.emplace_back(kZeros, next - end);
    end = next;
  };
  file->pieces.emplace_back();  // the head, when it is known
  for (size_t i = 0; i < sections.size(); ++i) {
    const SectionPieces& section = sections[i];
    HONE_CHECK(section.kind == kind_of(i) && section.index == index_of(i));
    pad();
    const uint64_t offset = end;
    const size_t first = file->pieces.size();
    for (std::string_view piece : section.pieces) {
      pad();
      file->pieces.push_back(piece);
      end += piece.size();
    }
    Hasher hasher;
    for (size_t k = first; k < file->pieces.size(); ++k) hasher.update(file->pieces[k]);
    entries.push_back({static_cast<uint32_t>(section.kind), section.index, offset, end - offset,
                       hasher.digest64()});
  }
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kPlanVersion;
  header.file_size = file->size = end;
  header.table_offset = kHeaderBytes;
  header.section_count = static_cast<uint32_t>(sections.size());
  header.table_checksum = hash64(entries.data(), table_bytes);
  header.checksum = header_checksum(header);
  file->head.assign(reinterpret_cast<const char*>(&header), sizeof header);
  file->head.append(reinterpret_cast<const char*>(entries.data()), table_bytes);
  file->pieces[0] = file->head;
  return file;
}

Result<Sections> read_sections(std::string_view bytes) {
  HONE_ASSIGN_OR_RETURN(const Header header, read_header(bytes));
  HONE_ASSIGN_OR_RETURN(const std::vector<Entry> entries, read_table(bytes, header));
  Sections sections;
  uint64_t end = kHeaderBytes + entries.size() * kEntryBytes;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const SectionKind kind = kind_of(i);
    if (entry.kind != static_cast<uint32_t>(kind) || entry.index != index_of(i)) {
      return damaged("section table",
                     fmt::format("entry {} has kind {}, index {}", i, entry.kind, entry.index));
    }
    const std::string name = section_name(kind, entry.index);
    // No gaps, no overlap: a section begins where padding after the one before ends.
    if (entry.offset != align_up(end) || entry.offset > bytes.size() ||
        entry.size > bytes.size() - entry.offset) {
      return damaged(name, fmt::format("{} bytes at byte {} are not where they should be",
                                       entry.size, entry.offset));
    }
    HONE_RETURN_IF_ERROR(check_padding(bytes, end));
    const std::string_view contents = bytes.substr(entry.offset, entry.size);
    if (hash64(contents) != entry.checksum) return damaged(name, "the checksum does not match");
    end = entry.offset + entry.size;
    if (kind == SectionKind::kMetadata) sections.metadata = contents;
    if (kind == SectionKind::kConstants) sections.constants = contents;
    if (kind == SectionKind::kPacked) sections.packed.push_back(contents);
  }
  if (end != bytes.size()) {
    return damaged(fmt::format("byte {}", end), "there are bytes after the last section");
  }
  return sections;
}

}  // namespace hone::plan_file

#include "base/memory.h"

#include <sys/mman.h>

#include <algorithm>

namespace hone {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLarge = 2 * kHugePage;

}  // namespace

Memory allocate_memory(size_t bytes) {
  const size_t padded = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, padded >= kLarge ? kHugePage : kAlignment, padded) != 0) return {};
  // Whole huge pages only: the last one may belong to others. A hint, so its result does not
  // matter.
  if (padded >= kLarge) madvise(memory, padded / kHugePage * kHugePage, MADV_HUGEPAGE);
  return Memory(static_cast<std::byte*>(memory));
}

}  // namespace hone

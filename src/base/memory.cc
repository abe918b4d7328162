#include "base/memory.h"

#include <algorithm>

namespace hone {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

Memory allocate_memory(size_t bytes) {
  const size_t padded = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, padded) != 0) return {};
  return Memory(static_cast<std::byte*>(memory));
}

}  // namespace hone

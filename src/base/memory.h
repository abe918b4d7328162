// Memory for tensors, weights and arenas.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace hone {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte, FreeMemory>;

// `bytes` bytes (0 is allowed) at a 64-byte boundary, up to the next multiple of 64, not
// initialised. Large blocks are asked for in huge pages: a page fault per 4 KiB costs more than
// copying the 4 KiB, and kernels miss the TLB less. Null: out of memory.
Memory allocate_memory(size_t bytes);

}  // namespace hone

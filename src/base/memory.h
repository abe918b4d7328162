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
// initialised. Null: out of memory. Not in huge pages: measured on a virtual machine, the first
// touch of 1 GiB took 1.1 s in pages of 4 KiB and 5 to 8 s with MADV_HUGEPAGE.
Memory allocate_memory(size_t bytes);

}  // namespace hone

// CRC32C (Castagnoli), as plan files, TFRecord and leveldb tables use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone {

// The CRC of the bytes; `crc` is the CRC of what came before (0 at the start), so that
// crc32c(b, nb, crc32c(a, na)) is that of a followed by b. Any thread.
uint32_t crc32c(const void* data, size_t bytes, uint32_t crc = 0);

// The table version, without CPU instructions; same values.
uint32_t crc32c_portable(const void* data, size_t bytes, uint32_t crc = 0);

// leveldb's masking, for a CRC stored among the bytes over which another CRC is taken.
constexpr uint32_t kCrcMaskDelta = 0xa282ead8u;
constexpr uint32_t crc32c_mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + kCrcMaskDelta; }
constexpr uint32_t crc32c_unmask(uint32_t masked) {
  uint32_t rotated = masked - kCrcMaskDelta;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace hone

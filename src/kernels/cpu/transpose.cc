// 2-d transpose in tiles of 16 rows x 8 columns: each input line (16 floats of one column) is read
// once while the 16 output lines stay in the L1 cache. Four-byte elements go through 4x4 and
// two-byte ones through 8x8 register blocks (SSE2, the x86-64 baseline).
#include <emmintrin.h>
#include <xmmintrin.h>

#include <cstring>

#include "base/check.h"
#include "kernels/cpu/copy.h"

namespace hone::cpu {
namespace {

template <typename T>
void scalar_block(int64_t rows, int64_t cols, char* out, int64_t out_stride, const char* in,
                  int64_t in_stride) {
  constexpr int64_t kSize = sizeof(T);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      T value;
      std::memcpy(&value, in + j * in_stride + i * kSize, sizeof(T));
      std::memcpy(out + i * out_stride + j * kSize, &value, sizeof(T));
    }
  }
}

__m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
void store(char* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

// Register block of kSide x kSide elements.
template <typename T>
struct Block {
  static constexpr int kSide = 0;
  static void run(char*, int64_t, const char*, int64_t) {}
};

template <>
struct Block<uint32_t> {
  static constexpr int kSide = 4;
  static void run(char* out, int64_t out_stride, const char* in, int64_t in_stride) {
    const __m128i a = load(in), b = load(in + in_stride);
    const __m128i c = load(in + 2 * in_stride), d = load(in + 3 * in_stride);
    const __m128i ab0 = _mm_unpacklo_epi32(a, b), ab1 = _mm_unpackhi_epi32(a, b);
    const __m128i cd0 = _mm_unpacklo_epi32(c, d), cd1 = _mm_unpackhi_epi32(c, d);
    store(out, _mm_unpacklo_epi64(ab0, cd0));
    store(out + out_stride, _mm_unpackhi_epi64(ab0, cd0));
    store(out + 2 * out_stride, _mm_unpacklo_epi64(ab1, cd1));
    store(out + 3 * out_stride, _mm_unpackhi_epi64(ab1, cd1));
  }
};

template <>
struct Block<uint16_t> {
  static constexpr int kSide = 8;
  static void run(char* out, int64_t out_stride, const char* in, int64_t in_stride) {
    __m128i v[8], t[8];
    for (int k = 0; k < 8; ++k) v[k] = load(in + k * in_stride);
    // Each step joins column k with k + 4 halves: after log2(8) rounds of unpacking by position the
    // vectors are the rows.
    for (int round = 0; round < 3; ++round) {
      for (int k = 0; k < 4; ++k) {
        t[2 * k] = _mm_unpacklo_epi16(v[k], v[k + 4]);
        t[2 * k + 1] = _mm_unpackhi_epi16(v[k], v[k + 4]);
      }
      for (int k = 0; k < 8; ++k) v[k] = t[k];
    }
    for (int k = 0; k < 8; ++k) store(out + k * out_stride, v[k]);
  }
};

template <typename T>
void tile(int64_t rows, int64_t cols, char* out, int64_t out_stride, const char* in,
          int64_t in_stride) {
  constexpr int64_t kSide = Block<T>::kSide, kSize = sizeof(T);
  int64_t full_rows = 0, full_cols = 0;
  if constexpr (kSide > 0) {
    full_rows = rows / kSide * kSide;
    full_cols = cols / kSide * kSide;
    for (int64_t j = 0; j < full_cols; j += kSide) {
      for (int64_t i = 0; i < full_rows; i += kSide) {
        Block<T>::run(out + i * out_stride + j * kSize, out_stride, in + j * in_stride + i * kSize,
                      in_stride);
      }
    }
  }
  scalar_block<T>(full_rows, cols - full_cols, out + full_cols * kSize, out_stride,
                  in + full_cols * in_stride, in_stride);
  scalar_block<T>(rows - full_rows, cols, out + full_rows * out_stride, out_stride,
                  in + full_rows * kSize, in_stride);
}

template <typename T>
void transpose(int64_t rows, int64_t cols, char* out, int64_t out_stride, const char* in,
               int64_t in_stride) {
  constexpr int64_t kSize = sizeof(T), kRows = 64 / kSize > 16 ? 64 / kSize : 16, kCols = 8;
  if (cols <= 4) {  // a few planes interleaved (images): tiles would only add overhead
    scalar_block<T>(rows, cols, out, out_stride, in, in_stride);
    return;
  }
  for (int64_t i = 0; i < rows; i += kRows) {
    const int64_t tile_rows = rows - i < kRows ? rows - i : kRows;
    for (int64_t j = 0; j < cols; j += kCols) {
      const int64_t tile_cols = cols - j < kCols ? cols - j : kCols;
      tile<T>(tile_rows, tile_cols, out + i * out_stride + j * kSize, out_stride,
              in + j * in_stride + i * kSize, in_stride);
    }
  }
}

}  // namespace

void transpose_2d(int element_bytes, int64_t rows, int64_t cols, void* out, int64_t out_stride,
                  const void* in, int64_t in_stride) {
  char* to = static_cast<char*>(out);
  const char* from = static_cast<const char*>(in);
  out_stride *= element_bytes;
  in_stride *= element_bytes;
  switch (element_bytes) {
    case 1:
      return transpose<uint8_t>(rows, cols, to, out_stride, from, in_stride);
    case 2:
      return transpose<uint16_t>(rows, cols, to, out_stride, from, in_stride);
    case 4:
      return transpose<uint32_t>(rows, cols, to, out_stride, from, in_stride);
    case 8:
      return transpose<uint64_t>(rows, cols, to, out_stride, from, in_stride);
    default:
      HONE_CHECK(!"1, 2, 4 or 8 bytes");
  }
}

}  // namespace hone::cpu

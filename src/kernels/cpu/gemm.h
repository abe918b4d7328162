// FP32 matrix multiplication C[M,N] = clamp(A[M,K] * B[K,N] + bias[N] + addend[M,N], lo, hi) on the
// register tiles of conv.h: a matrix product is a 1x1 convolution of an image of M pixels.
//
// With constant B: pack it once, then prepare_gemm() per M and run_conv() per run, exactly as for a
// convolution; "pixel" in the tail callback is then the row of C. With a B that changes in every
// run (MatMul of two activations): multiply() packs on the fly.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/conv.h"

namespace hone::cpu {

struct GemmProblem {
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldc = 0;  // floats from one row to the next
  bool has_addend = false;
  int64_t ld_addend = 0;
};

// Distances of the elements of B in memory.
struct MatrixLayout {
  int64_t ld = 0;           // floats from one stored row to the next
  bool transposed = false;  // false: stored [K][N]; true: stored [N][K]
};

ConvProblem gemm_as_conv(const GemmProblem& problem);

inline std::vector<ConvConfig> candidates(const GemmProblem& problem, Isa isa, int64_t l2_bytes) {
  return candidates(gemm_as_conv(problem), isa, l2_bytes);
}

// Depends on n, k and config only.
int64_t packed_b_bytes(const GemmProblem& problem, const ConvConfig& config, Isa isa);
void pack_b(const GemmProblem& problem, const ConvConfig& config, Isa isa, const float* b,
            MatrixLayout layout, float* packed);

Conv prepare_gemm(const GemmProblem& problem, const ConvConfig& config, Isa isa);

// Packs `b` into `workspace` (packed_b_bytes) and runs all items on the calling thread.
// `pointers`: input = A, output = C; `packed` is ignored.
void multiply(const Conv& gemm, ConvPointers pointers, const float* b, MatrixLayout layout,
              float* workspace);

}  // namespace hone::cpu

#include "kernels/cpu/gemm.h"

namespace hone::cpu {
namespace {

WeightStrides weight_strides(MatrixLayout layout) {
  return layout.transposed ? WeightStrides{layout.ld, 0, 0, 1} : WeightStrides{1, 0, 0, layout.ld};
}

}  // namespace

ConvProblem gemm_as_conv(const GemmProblem& p) {
  ConvProblem conv;
  conv.in_w = conv.out_w = p.m;
  conv.in_c = p.k;
  conv.out_c = p.n;
  conv.input = {p.m * p.lda, p.m * p.lda, p.lda};
  conv.output = {p.m * p.ldc, p.m * p.ldc, p.ldc};
  conv.has_addend = p.has_addend;
  conv.addend = {p.m * p.ld_addend, p.m * p.ld_addend, p.ld_addend};
  return conv;
}

int64_t packed_b_bytes(const GemmProblem& problem, const ConvConfig& config, Isa isa) {
  return packed_weight_bytes(gemm_as_conv(problem), config, isa);
}

void pack_b(const GemmProblem& problem, const ConvConfig& config, Isa isa, const float* b,
            MatrixLayout layout, float* packed) {
  const ConvProblem conv = gemm_as_conv(problem);
  const int lanes = tile_table(isa).lanes;
  for (const ConvPanel& panel : make_panels(conv, config, lanes)) {
    pack_panel(conv, panel, lanes, b, weight_strides(layout), packed);
  }
}

Conv prepare_gemm(const GemmProblem& problem, const ConvConfig& config, Isa isa) {
  return prepare_conv(gemm_as_conv(problem), config, isa);
}

void multiply(const Conv& gemm, ConvPointers pointers, const float* b, MatrixLayout layout,
              float* workspace) {
  for (const ConvPanel& panel : gemm.panels) {
    pack_panel(gemm.problem, panel, gemm.table->lanes, b, weight_strides(layout), workspace);
  }
  pointers.packed = workspace;
  run_conv(gemm, pointers, 0, gemm.items);
}

}  // namespace hone::cpu

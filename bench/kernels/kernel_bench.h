// The families of kernel_bench. To add one: a function here, its file, a line in kernel_bench.cc.
#pragma once

namespace hone::cpu {

// Each registers its benchmarks, named family/instruction set/shape[/configuration].
void register_gemm();
void register_depthwise();
void register_rows();  // softmax, layer normalization, pooling, look-ups
void register_attention();
void register_pointwise();

}  // namespace hone::cpu

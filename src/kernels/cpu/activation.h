// Activations of register tiles: applied to the outputs of one tile right after it is stored, while
// they are in the L1 cache. The general way, over whole narrow panels, copies their rows to and
// fro: 21 cycles per 8 values of GELU against 11, even where all lies in L1.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/pointwise.h"

namespace hone::cpu {

// data[rows[i] + c] = f(data[rows[i] + c]) for i < num_rows, c < channels.
using TileActivation = void (*)(float* data, const int64_t* rows, int num_rows, int64_t channels);

// The program as such a function if it is one of the common activations of input 0 (Gelu, SiLU ...)
// and nothing else, else null. Same bits as pointwise_kernel(isa).
TileActivation tile_activation(const PointwiseProgram& program, Isa isa);

// What tile_activation() knows.
struct TileActivations {
  TileActivation gelu, gelu_tanh, silu, sigmoid, tanh, mish, hard_swish;
};
namespace portable {
extern const TileActivations kTileActivations;
}
namespace avx2 {
extern const TileActivations kTileActivations;
}
namespace avx512 {
extern const TileActivations kTileActivations;
}

}  // namespace hone::cpu

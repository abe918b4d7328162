#include "kernels/cpu/simd_avx2.h"
// The vector type comes first.
#include "kernels/cpu/activation_impl.h"

namespace hone::cpu::avx2 {
constexpr TileActivations kTileActivations = make_tile_activations<Vec>();
}

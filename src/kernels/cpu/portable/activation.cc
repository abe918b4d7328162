#include "kernels/cpu/simd_portable.h"
// The vector type comes first.
#include "kernels/cpu/activation_impl.h"

namespace hone::cpu::portable {
constexpr TileActivations kTileActivations = make_tile_activations<Vec<16>>();
}

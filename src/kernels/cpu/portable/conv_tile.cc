#include "kernels/cpu/simd_portable.h"
#include "kernels/cpu/tile_impl.h"

namespace hone::cpu::portable {
constexpr TileTable kTileTable = make_tile_table<Vec<16>, 14, 14, 8>(Isa::kPortable);
}

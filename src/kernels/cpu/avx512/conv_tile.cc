#include "kernels/cpu/simd_avx512.h"
#include "kernels/cpu/tile_impl.h"

namespace hone::cpu::avx512 {
constexpr TileTable kTileTable = make_tile_table<Vec, 14, 14, 8>(Isa::kAvx512);
}

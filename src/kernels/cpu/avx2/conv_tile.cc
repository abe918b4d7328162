#include "kernels/cpu/simd_avx2.h"
#include "kernels/cpu/tile_impl.h"

namespace hone::cpu::avx2 {
constexpr TileTable kTileTable = make_tile_table<Vec, 12, 6, 4>(Isa::kAvx2);
}

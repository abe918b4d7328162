#include "kernels/cpu/tile.h"

namespace hone::cpu {

const TileTable& tile_table(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return avx2::kTileTable;
    case Isa::kAvx512:
      return avx512::kTileTable;
    default:
      return portable::kTileTable;
  }
}

}  // namespace hone::cpu

#include "kernels/cpu/simd_avx2.h"
#include "kernels/cpu/winograd_impl.h"

namespace hone::cpu::avx2 {
constexpr WinogradTable kWinogradTable = make_winograd_table<Vec>();
}

#include "kernels/cpu/simd_avx512.h"
#include "kernels/cpu/winograd_impl.h"

namespace hone::cpu::avx512 {
constexpr WinogradTable kWinogradTable = make_winograd_table<Vec>();
}

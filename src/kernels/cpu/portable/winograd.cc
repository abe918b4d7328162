#include "kernels/cpu/simd_portable.h"
#include "kernels/cpu/winograd_impl.h"

namespace hone::cpu::portable {
constexpr WinogradTable kWinogradTable = make_winograd_table<Vec<16>>();
}

// Linear and cubic resampling of FP32 tensors with contiguous channels: each pixel of the result is
// a weighted sum of pixels of the data. The tables of places and weights are the caller's.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

inline constexpr int kMaxResizeLines = 16;   // of two dimensions outside the line
inline constexpr int kMaxResizeColumns = 4;  // within the line

// One line of pixels.
struct ResizeLine {
  int64_t pixels = 0, channels = 0;
  int lines = 1, columns = 1;  // places that make a pixel: lines x columns
  const float* line[kMaxResizeLines];
  float line_weight[kMaxResizeLines];
  const int64_t* column = nullptr;       // [pixels][columns], floats from the begin of a line
  const float* column_weight = nullptr;  // [pixels][columns]
  float* out = nullptr;
  int64_t out_step = 0;  // floats from one pixel to the next
};

// Sums in the order of lines, columns. Touches the named elements only.
using ResizeRun = void (*)(const ResizeLine& line);
ResizeRun resize_kernel(Isa isa);

namespace portable {
void resize(const ResizeLine&);
}
namespace avx2 {
void resize(const ResizeLine&);
}
namespace avx512 {
void resize(const ResizeLine&);
}

}  // namespace hone::cpu

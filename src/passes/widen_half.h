#pragma once

#include "graph/graph.h"

namespace hone {

// Models stored in FP16 or BF16 are computed in FP32: the CPUs of today have no 16-bit arithmetic
// of the kind, and passes and tactics know f32. Constants become f32, and so do results and Casts
// to 16 bits on the way; graph inputs and outputs keep their types behind a Cast. Results differ
// from the model's own arithmetic by its roundings to 16 bits, which are left out, and where it
// overflows.
Result<bool> widen_half(Graph& graph);

}  // namespace hone

#pragma once

#include "graph/graph.h"

namespace hone {

// Products and sums with constants (one per channel, or one) behind or in front of Conv and MatMul
// with constant weights go into weights and bias: batch normalisation, BiasAdd, scaled inputs. In
// front of padding only products, which leave its zeros alone. Weights are computed in FP64 and
// rounded once: a relative error of 2^-24 per weight.
Result<bool> fold_scale(Graph& graph);

}  // namespace hone

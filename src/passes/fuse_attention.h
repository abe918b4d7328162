#pragma once

#include "graph/graph.h"

namespace hone {

// MatMul, scale, mask, Softmax, MatMul on f32 become one Attention:
//
//   scale   Mul or Div by a constant, of the product or of query and key in front of it
//   mask    Add of a tensor, or Where with a constant; with Where, masked probabilities may be set
//           to 0 behind Softmax
//
// Transposes that exchange heads and tokens, in front and behind, go into attributes. Sums are in
// another order, exp is taken of a product rounded once less.
Result<bool> fuse_attention(Graph& graph);

}  // namespace hone

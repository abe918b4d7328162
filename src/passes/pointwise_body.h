// Pointwise computations as passes cut and join them.
#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace hone {

// A program and the values that it reads.
struct PointwiseBody {
  Program program;
  std::vector<Value*> inputs;
};

// What `node` computes, if it is a pointwise operator or Pointwise on f32 without an epilogue.
std::optional<PointwiseBody> pointwise_body(const Node* node);

// `body` with the program of `producer` in place of its input `index`.
PointwiseBody inline_body(const PointwiseBody& producer, const PointwiseBody& body, size_t index);

// Makes `first`, unless null, input 0; values that are read more than once one input; and constants
// of one element constants of the program, unless the rank of the result depends on them.
PointwiseBody tidy(const PointwiseBody& body, const Value* first);

// Small enough for every kernel: 24 instructions, 12 inputs, 24 constants.
bool fits(const Program& program);

}  // namespace hone

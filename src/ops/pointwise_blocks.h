// Pointwise operators for many elements at once. One loop per operator and type of number, made
// from the lambda that also gives the scalar forms (pointwise_op.h).
#pragma once

#include <cstdint>

#include "ops/op_def.h"

namespace hone {

// out[i] of args[0][i], args[1][i] ... for n elements; `out` may be one of the args.
struct PointwiseBlocks {
  void (*f64)(const double* const* args, double* out, int64_t n) = nullptr;
  void (*i64)(const int64_t* const* args, int64_t* out, int64_t n) = nullptr;  // null: floats only
  bool divides = false;  // integers: an element of argument 1 that is 0 is an error
};

// REQUIRES: a pointwise operator of the registry.
const PointwiseBlocks& pointwise_blocks(const OpDef& op);

// For pointwise_op(), while the registry is made. `scalar` stands for the operator.
void register_pointwise_blocks(double (*scalar)(const double*), PointwiseBlocks blocks);

}  // namespace hone

// What a command feeds an engine: shapes and values of its inputs.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.h"
#include "hone/engine.h"
#include "values.h"

namespace hone::tools {

struct ShapeWish {
  int batch = 0;       // > 0: dimension 0 of every input
  NamedShapes shapes;  // by input name
};

// A shape per input of the engine. What the wish leaves open comes from the opt shapes of the
// plan's first profile; without one dimension 0 is 1, others 128. Errors: kShape (does not fit the
// plan).
Result<std::vector<std::vector<int64_t>>> choose_shapes(const Engine& engine,
                                                        const ShapeWish& wish);

// The same values for the same seed everywhere. Floats in [-1, 1), u8 and i8 over their range
// (images); wider integers and booleans are 0 or 1, as these are valid in masks, indices of small
// tables and token ids alike. kUnsupported: strings.
Result<Tensor> random_tensor(DataType dtype, const std::vector<int64_t>& shape, uint64_t seed);
Result<std::vector<Tensor>> random_inputs(const Engine& engine,
                                          const std::vector<std::vector<int64_t>>& shapes,
                                          uint64_t seed);

// From --input NAME=FILE.npy (or FILE.npy alone where there is one input); all inputs must be
// given. In the order of `inputs`. Errors: those of read_npy; kInvalidArgument (unknown, twice or
// missing names).
Result<std::vector<Tensor>> read_inputs(const std::vector<TensorInfo>& inputs,
                                        const std::vector<std::string>& given);

// Where each of the model's inputs, or outputs, is among the engine's: a plan may come from
// elsewhere. `kind`: "input" or "output". kPlan: the names differ.
Result<std::vector<size_t>> match_names(const std::vector<TensorInfo>& model,
                                        const std::vector<TensorInfo>& engine, const char* kind);

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors);

// Runs once; outputs in the engine's order.
Result<std::vector<Tensor>> run_once(ExecutionContext* context, const std::vector<Tensor>& inputs);

}  // namespace hone::tools

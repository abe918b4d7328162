// Which layer goes wrong first: the tensors inside a plan against those of the model.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compare_errors.h"
#include "hone/engine.h"
#include "truth.h"

namespace hone::tools {

struct LayerError {
  std::string layer, op, tactic;  // step of the plan: source node names
  std::string tensor;             // the model's tensor it was compared with
  OutputError error;
};

// Names of the model's tensors that the plan's steps compute.
std::set<std::string> tensors_inside(const Engine& engine);

// In order of execution; tensors that the truth does not have are left out. Images lie with the
// channels last in a plan: where the shapes differ by the order of the axes, the order that fits
// best is compared.
Result<std::vector<LayerError>> layer_errors(const Engine& engine,
                                             const std::vector<Tensor>& inputs, const Truth& truth);

}  // namespace hone::tools

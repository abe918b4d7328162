// The Convs of a ConvChain step, each as a step of its own.
#pragma once

#include <vector>

#include "tactics/tactic.h"

namespace hone {

// Inputs of each: data, weights, bias; of the last also the epilogue's. `step` is of ConvChain.
std::vector<StepDesc> conv_chain_parts(const StepDesc& step);

}  // namespace hone

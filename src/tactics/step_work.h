// How much a step has to do at least: for profiles.
#pragma once

#include "tactics/tactic.h"

namespace hone {

// Bytes of the operands of a step at concrete shapes, weights and the epilogue's inputs included,
// each read or written once; of a table that is looked up only the rows that are taken. What a
// kernel moves through the caches is more.
double step_bytes(const StepDesc& step);

}  // namespace hone

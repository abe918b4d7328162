// What of a stage of a plan does not depend on shapes: made once, when an engine is made.
#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"
#include "runtime/arena.h"

namespace hone {

// A dimension of an output of a step that finds out its size.
struct FoundDim {
  int symbol = -1;        // its value goes to this place among the found sizes; -1: `dim` says it
  bool computed = false;  // `dim` uses symbols that this very step gives values to
  Dim dim;
};

struct Stage {
  size_t begin = 0, end = 0;  // steps; the last one finds out sizes, but in the last stage
  std::vector<int> values;    // whose layouts its steps need, sorted; with their parents
  std::vector<int> own;       // values that get their place in this stage
  std::vector<int> outputs;   // positions of those graph outputs whose size is known in this stage
  // Of the last step: dimensions per output, and the number and names of sizes it finds out.
  std::vector<std::vector<FoundDim>> found_dims;
  std::vector<std::string> found_symbols;
  size_t first_found = 0;  // how many sizes the stages before find out
};

struct Stages {
  std::vector<Stage> stages;        // at least one
  std::vector<int> root;            // per value: the value at the end of its chain of parents
  std::vector<bool> found;          // per value: its producer finds out its size
  std::vector<int> stage_of;        // per value: value_stages()
  std::vector<int> input, output;   // per value: which input or output of the plan it is, or -1
  std::vector<ArenaSlot> lifetime;  // per root: first and last group that uses its bytes
};

// REQUIRES: tuned.values was decided by plan_storage().
Stages make_stages(const Portable& portable, const Tuned& tuned);

}  // namespace hone

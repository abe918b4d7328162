// Concrete input shapes against the shapes a plan declares.
#pragma once

#include <utility>
#include <vector>

#include "plan/plan.h"

namespace hone {

// Finds the symbols' values that make the inputs' declared shapes equal to `shapes`, and checks
// everything else of the first stage against them. Errors: kShape, naming the input and the
// dimension.
Result<SymbolValues> bind_symbols(const Portable& portable,
                                  const std::vector<std::vector<int64_t>>& shapes);

// Checks those of Portable::must_be_equal that can be checked from this stage on. kShape.
Status check_stage(const Portable& portable, int stage, const SymbolValues& symbols);

// Adds values for the sizes that steps find out: 128, unless a required equality says otherwise.
void add_default_sizes(const Portable& portable, SymbolValues* symbols);

// Index of the profile whose configurations to use: the first that contains the shapes, else the
// one whose opt shapes are nearest (smallest sum of |log(size ratio)|). 0 without profiles.
size_t nearest_profile(const Portable& portable, const std::vector<std::vector<int64_t>>& shapes);

// Sizes to tune for when nothing is known: dimension 0 of an input is 1, other free dimensions 128,
// unless a size such as N - 5 or a required equality of sizes of inputs makes them impossible.
struct DefaultSymbols {
  SymbolValues symbols;
  bool fits = false;  // all input sizes are valid and all equalities hold
};
DefaultSymbols default_symbols(const std::vector<Shape>& inputs,
                               const std::vector<std::pair<Dim, Dim>>& must_be_equal);

// Symbol values at the opt shapes of each profile. Without profiles one entry: default_symbols().
// With add_default_sizes().
// Errors: kShape, the opt shapes contradict the model.
Result<std::vector<SymbolValues>> profile_symbols(const Portable& portable);

}  // namespace hone

#include "lower/bind_shapes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace hone {
namespace {

Status shape_error(const Portable& portable, size_t input, const std::vector<int64_t>& got,
                   std::string what) {
  const PlanValue& value = portable.values[portable.inputs[input]];
  return Status(Code::kShape, std::move(what))
      .at(fmt::format("input '{}'", portable.input_names[input]))
      .because(fmt::format("the model declares {} and was given {}", shape_text(value.type.shape),
                           shape_text(got)));
}

constexpr int64_t kDefaultBatch = 1, kDefaultSize = 128;

// Symbols that must equal another size take it. False if some sizes still differ.
bool equate(const std::vector<std::pair<Dim, Dim>>& must_be_equal, SymbolValues* symbols) {
  bool all_equal = false;
  for (size_t round = 0; !all_equal && round <= must_be_equal.size(); ++round) {
    all_equal = true;
    for (const auto& [a, b] : must_be_equal) {
      const auto left = a.eval(*symbols), right = b.eval(*symbols);
      if (!left.ok() || !right.ok()) return false;
      if (*left == *right) continue;
      all_equal = false;
      if (b.is_symbol()) {
        (*symbols)[b.symbol_name()] = *left;
      } else if (a.is_symbol()) {
        (*symbols)[a.symbol_name()] = *right;
      }
    }
  }
  return all_equal;
}

// Scales the symbols of `dim`, by powers of two, until it is at least 1: N - 5 wants N = 8, not 1.
bool make_positive(const Dim& dim, SymbolValues* symbols) {
  std::set<std::string> used;
  dim.collect_symbols(&used);
  for (int shift = 0; shift <= 16; ++shift) {
    for (const bool up : {true, false}) {
      SymbolValues trial = *symbols;
      for (const std::string& name : used) {
        int64_t& value = trial[name];
        value = up ? value << shift : std::max<int64_t>(value >> shift, 1);
      }
      const auto size = dim.eval(trial);
      if (!size.ok() || *size < 1) continue;
      *symbols = std::move(trial);
      return true;
    }
  }
  return false;
}

// Those that use symbols with values only: the others are about sizes found while running.
std::vector<std::pair<Dim, Dim>> with_values(const std::vector<std::pair<Dim, Dim>>& must_be_equal,
                                             const SymbolValues& symbols) {
  std::vector<std::pair<Dim, Dim>> pairs;
  for (const auto& pair : must_be_equal) {
    std::set<std::string> used;
    collect_symbols({pair.first, pair.second}, &used);
    const bool known = std::all_of(used.begin(), used.end(),
                                   [&](const std::string& name) { return symbols.contains(name); });
    if (known) pairs.push_back(pair);
  }
  return pairs;
}

}  // namespace

void add_default_sizes(const Portable& portable, SymbolValues* symbols) {
  const SymbolValues inputs = *symbols;
  for (const PlanStep& step : portable.steps) {
    if (!step.ends_stage) continue;
    for (int v : step.outputs) {
      for (const Dim& dim : portable.values[v].type.shape) {
        if (dim.is_symbol()) symbols->try_emplace(dim.symbol_name(), kDefaultSize);
      }
    }
  }
  equate(portable.must_be_equal, symbols);
  for (const auto& [name, value] : inputs) (*symbols)[name] = value;
}

DefaultSymbols default_symbols(const std::vector<Shape>& inputs,
                               const std::vector<std::pair<Dim, Dim>>& must_be_equal) {
  DefaultSymbols result;
  for (const Shape& shape : inputs) {
    for (size_t d = 0; d < shape.size(); ++d) {
      if (!shape[d].is_symbol()) continue;
      result.symbols.try_emplace(shape[d].symbol_name(), d == 0 ? kDefaultBatch : kDefaultSize);
    }
  }
  const auto pairs = with_values(must_be_equal, result.symbols);
  // Each step may undo the other, so both are tried a few times and the outcome is checked.
  for (int round = 0; round < 4 && !result.fits; ++round) {
    for (const Shape& shape : inputs) {
      for (const Dim& dim : shape) {
        if (!dim.is_const()) make_positive(dim, &result.symbols);
      }
    }
    result.fits = equate(pairs, &result.symbols);
    for (const Shape& shape : inputs) {
      const auto sizes = eval_shape(shape, result.symbols);
      result.fits = result.fits && sizes.ok();
    }
  }
  return result;
}

Result<SymbolValues> bind_symbols(const Portable& portable,
                                  const std::vector<std::vector<int64_t>>& shapes) {
  SymbolValues symbols;
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    const Shape& declared = portable.values[portable.inputs[i]].type.shape;
    if (declared.size() != shapes[i].size()) {
      return shape_error(portable, i, shapes[i],
                         fmt::format("rank {} instead of {}", shapes[i].size(), declared.size()));
    }
    for (size_t d = 0; d < declared.size(); ++d) {
      if (shapes[i][d] < 0) return shape_error(portable, i, shapes[i], "negative dimension");
      if (declared[d].is_symbol()) symbols.try_emplace(declared[d].symbol_name(), shapes[i][d]);
    }
  }
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    const Shape& declared = portable.values[portable.inputs[i]].type.shape;
    for (size_t d = 0; d < declared.size(); ++d) {
      HONE_ASSIGN_OR_RETURN(const int64_t expected, declared[d].eval(symbols));
      if (expected == shapes[i][d]) continue;
      return shape_error(
          portable, i, shapes[i],
          fmt::format("dimension {} is {} instead of {}", d, shapes[i][d], expected));
    }
  }
  HONE_RETURN_IF_ERROR(check_stage(portable, 0, symbols));
  return symbols;
}

Status check_stage(const Portable& portable, int stage, const SymbolValues& symbols) {
  for (size_t i = 0; i < portable.must_be_equal.size(); ++i) {
    if (stage != (portable.check_stages.empty() ? 0 : portable.check_stages[i])) continue;
    const auto& [a, b] = portable.must_be_equal[i];
    HONE_ASSIGN_OR_RETURN(const int64_t left, a.eval(symbols));
    HONE_ASSIGN_OR_RETURN(const int64_t right, b.eval(symbols));
    if (left == right) continue;
    return Status(Code::kShape,
                  fmt::format("{} do not fit the model: {} = {} must equal {} = {}",
                              stage == 0 ? "these input shapes" : "sizes found while running",
                              a.text(), left, b.text(), right));
  }
  return ok();
}

size_t nearest_profile(const Portable& portable, const std::vector<std::vector<int64_t>>& shapes) {
  size_t best = 0;
  double best_distance = INFINITY;
  for (size_t p = 0; p < portable.profiles.size(); ++p) {
    bool inside = true;
    double distance = 0;
    for (size_t i = 0; i < shapes.size(); ++i) {
      const PlanProfile::Range& range = portable.profiles[p].inputs[i];
      for (size_t d = 0; d < shapes[i].size(); ++d) {
        inside = inside && range.min[d] <= shapes[i][d] && shapes[i][d] <= range.max[d];
        distance += std::abs(std::log((shapes[i][d] + 1.0) / (range.opt[d] + 1.0)));
      }
    }
    if (inside) return p;
    if (distance < best_distance) {
      best_distance = distance;
      best = p;
    }
  }
  return best;
}

Result<std::vector<SymbolValues>> profile_symbols(const Portable& portable) {
  std::vector<SymbolValues> symbols;
  for (const PlanProfile& profile : portable.profiles) {
    std::vector<std::vector<int64_t>> shapes;
    for (const PlanProfile::Range& range : profile.inputs) shapes.push_back(range.opt);
    HONE_ASSIGN_OR_RETURN(SymbolValues values, bind_symbols(portable, shapes));
    symbols.push_back(std::move(values));
  }
  if (symbols.empty()) {
    std::vector<Shape> inputs;
    for (int input : portable.inputs) inputs.push_back(portable.values[input].type.shape);
    symbols.push_back(default_symbols(inputs, portable.must_be_equal).symbols);
  }
  if (portable.num_stages > 1) {
    for (SymbolValues& values : symbols) add_default_sizes(portable, &values);
  }
  return symbols;
}

}  // namespace hone

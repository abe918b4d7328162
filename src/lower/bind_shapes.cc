#include "lower/bind_shapes.h"

#include <fmt/core.h>

#include <cmath>

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

}  // namespace

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
      return shape_error(portable, i, shapes[i],
                         fmt::format("dimension {} is {} instead of {}", d, shapes[i][d], expected));
    }
  }
  for (const auto& [a, b] : portable.must_be_equal) {
    HONE_ASSIGN_OR_RETURN(const int64_t left, a.eval(symbols));
    HONE_ASSIGN_OR_RETURN(const int64_t right, b.eval(symbols));
    if (left == right) continue;
    return Status(Code::kShape, fmt::format("these input shapes do not fit the model: {} = {} must "
                                            "equal {} = {}", a.text(), left, b.text(), right));
  }
  return symbols;
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
  if (!symbols.empty()) return symbols;
  symbols.emplace_back();
  for (int input : portable.inputs) {
    const Shape& shape = portable.values[input].type.shape;
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d].is_symbol()) symbols[0].try_emplace(shape[d].symbol_name(), d == 0 ? 1 : 128);
    }
  }
  return symbols;
}

}  // namespace hone

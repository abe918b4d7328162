#include "builder/profiles.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "lower/bind_shapes.h"

namespace hone {
namespace {

Status bad_profile(const std::string& input, std::string what) {
  return Status(Code::kInvalidArgument, std::move(what))
      .at(fmt::format("profile of input '{}'", input));
}

Status check_range(const Value& input, const ShapeRange& range) {
  const Shape& declared = input.shape();
  for (const auto* shape : {&range.min, &range.opt, &range.max}) {
    if (shape->size() != declared.size()) {
      return bad_profile(input.name(),
                         fmt::format("{} has rank {}, the model declares {}", shape_text(*shape),
                                     shape->size(), shape_text(declared)));
    }
  }
  for (size_t d = 0; d < declared.size(); ++d) {
    if (range.min[d] < 0 || range.min[d] > range.opt[d] || range.opt[d] > range.max[d]) {
      return bad_profile(input.name(), fmt::format("dimension {}: {} <= {} <= {} does not hold", d,
                                                   range.min[d], range.opt[d], range.max[d]))
          .fix("give min <= opt <= max");
    }
    if (declared[d].is_const() &&
        (range.min[d] != declared[d].value() || range.max[d] != declared[d].value())) {
      return bad_profile(input.name(), fmt::format("dimension {} is fixed at {} in the model", d,
                                                   declared[d].value()));
    }
  }
  return ok();
}

DefaultSymbols symbol_defaults(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const Value* input : graph.inputs()) shapes.push_back(input->shape());
  return default_symbols(shapes, graph.symbols().must_be_equal);
}

// The shape of an input that a profile leaves out, at given values of the symbols.
Result<std::vector<int64_t>> implied_shape(const Value& input, const SymbolValues& symbols) {
  auto shape = eval_shape(input.shape(), symbols);
  if (shape.ok()) return shape;
  return bad_profile(input.name(),
                     fmt::format("it is left out, and the other inputs make {} invalid",
                                 shape_text(input.shape())))
      .because(shape.status().message());
}

Result<PlanProfile> make_profile(const Graph& graph, const Profile& given) {
  for (const auto& [name, range] : given) {
    const bool known = std::any_of(graph.inputs().begin(), graph.inputs().end(),
                                   [&n = name](const Value* input) { return input->name() == n; });
    if (known) continue;
    std::vector<std::string> names;
    for (const Value* input : graph.inputs()) names.push_back(input->name());
    return bad_profile(name, "the model has no such input").fix("use one of: " + join(names, ", "));
  }
  // A symbol takes its values from whichever given input mentions it.
  SymbolValues min = symbol_defaults(graph).symbols, opt = min, max = min;
  for (const Value* input : graph.inputs()) {
    const auto it = given.find(input->name());
    if (it == given.end()) continue;
    HONE_RETURN_IF_ERROR(check_range(*input, it->second));
    for (size_t d = 0; d < input->shape().size(); ++d) {
      if (!input->shape()[d].is_symbol()) continue;
      const std::string& symbol = input->shape()[d].symbol_name();
      min[symbol] = it->second.min[d];
      opt[symbol] = it->second.opt[d];
      max[symbol] = it->second.max[d];
    }
  }
  PlanProfile profile;
  for (const Value* input : graph.inputs()) {
    PlanProfile::Range range;
    if (const auto it = given.find(input->name()); it != given.end()) {
      range = {it->second.min, it->second.opt, it->second.max};
    } else {
      HONE_ASSIGN_OR_RETURN(range.opt, implied_shape(*input, opt));
      range.min = range.max = range.opt;
      for (const SymbolValues* symbols : {&min, &max}) {  // a size may fall when a symbol grows
        const auto shape = eval_shape(input->shape(), *symbols);
        for (size_t d = 0; shape.ok() && d < shape->size(); ++d) {
          range.min[d] = std::min(range.min[d], (*shape)[d]);
          range.max[d] = std::max(range.max[d], (*shape)[d]);
        }
      }
    }
    profile.inputs.push_back(std::move(range));
  }
  return profile;
}

}  // namespace

Result<std::vector<PlanProfile>> make_profiles(const Graph& graph, const BuildOptions& options,
                                               std::string* warning) {
  std::vector<PlanProfile> profiles;
  for (const Profile& given : options.profiles) {
    HONE_ASSIGN_OR_RETURN(PlanProfile profile, make_profile(graph, given));
    profiles.push_back(std::move(profile));
  }
  const DefaultSymbols free = symbol_defaults(graph);
  if (!profiles.empty() || free.symbols.empty()) return profiles;
  if (!free.fits) {
    *warning =
        "no profile given, and no usual sizes fit this model: give profiles to tune for them";
    return profiles;
  }
  HONE_ASSIGN_OR_RETURN(PlanProfile profile, make_profile(graph, {}));
  profiles.push_back(std::move(profile));
  std::vector<std::string> parts;
  for (const auto& [symbol, value] : free.symbols)
    parts.push_back(fmt::format("{} = {}", symbol, value));
  *warning = fmt::format(
      "no profile given: tuned for {}; other sizes work too, give profiles to tune for them",
      join(parts, ", "));
  return profiles;
}

}  // namespace hone

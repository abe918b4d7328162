#include "builder/profiles.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace hone {
namespace {

constexpr int64_t kDefaultBatch = 1, kDefaultSize = 128;

Status bad_profile(const std::string& input, std::string what) {
  return Status(Code::kInvalidArgument, std::move(what)).at(fmt::format("profile of input '{}'", input));
}

Status check_range(const Value& input, const ShapeRange& range) {
  const Shape& declared = input.shape();
  for (const auto* shape : {&range.min, &range.opt, &range.max}) {
    if (shape->size() != declared.size()) {
      return bad_profile(input.name(), fmt::format("{} has rank {}, the model declares {}", shape_text(*shape),
                                                   shape->size(), shape_text(declared)));
    }
  }
  for (size_t d = 0; d < declared.size(); ++d) {
    if (range.min[d] < 0 || range.min[d] > range.opt[d] || range.opt[d] > range.max[d]) {
      return bad_profile(input.name(), fmt::format("dimension {}: {} <= {} <= {} does not hold", d, range.min[d],
                                                   range.opt[d], range.max[d]))
          .fix("give min <= opt <= max");
    }
    if (declared[d].is_const() && (range.min[d] != declared[d].value() || range.max[d] != declared[d].value())) {
      return bad_profile(input.name(), fmt::format("dimension {} is fixed at {} in the model", d,
                                                   declared[d].value()));
    }
  }
  return ok();
}

// Values for every symbol: what the given opt shapes say, defaults for the rest.
std::map<std::string, int64_t> symbol_defaults(const Graph& graph) {
  std::map<std::string, int64_t> defaults;
  for (const Value* input : graph.inputs()) {
    for (size_t d = 0; d < input->shape().size(); ++d) {
      const Dim& dim = input->shape()[d];
      if (dim.is_symbol()) defaults.try_emplace(dim.symbol_name(), d == 0 ? kDefaultBatch : kDefaultSize);
    }
  }
  return defaults;
}

std::vector<int64_t> default_shape(const Value& input, const std::map<std::string, int64_t>& symbols) {
  SymbolValues values(symbols.begin(), symbols.end());
  std::vector<int64_t> shape;
  for (const Dim& dim : input.shape()) {
    auto value = dim.eval(values);
    shape.push_back(value.ok() ? *value : kDefaultSize);
  }
  return shape;
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
  // A symbol takes its value from whichever given input mentions it.
  std::map<std::string, int64_t> symbols = symbol_defaults(graph);
  for (const Value* input : graph.inputs()) {
    const auto it = given.find(input->name());
    if (it == given.end()) continue;
    HONE_RETURN_IF_ERROR(check_range(*input, it->second));
    for (size_t d = 0; d < input->shape().size(); ++d) {
      if (input->shape()[d].is_symbol()) symbols[input->shape()[d].symbol_name()] = it->second.opt[d];
    }
  }
  PlanProfile profile;
  for (const Value* input : graph.inputs()) {
    const auto it = given.find(input->name());
    PlanProfile::Range range;
    if (it != given.end()) {
      range = {it->second.min, it->second.opt, it->second.max};
    } else {
      range.min = range.opt = range.max = default_shape(*input, symbols);
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
  const auto free = symbol_defaults(graph);
  if (!profiles.empty() || free.empty()) return profiles;
  HONE_ASSIGN_OR_RETURN(PlanProfile profile, make_profile(graph, {}));
  profiles.push_back(std::move(profile));
  std::vector<std::string> parts;
  for (const auto& [symbol, value] : free) parts.push_back(fmt::format("{} = {}", symbol, value));
  *warning = fmt::format("no profile given: tuned for {}; other sizes work too, give profiles to tune for them",
                         join(parts, ", "));
  return profiles;
}

}  // namespace hone

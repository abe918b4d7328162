#include "values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "base/text.h"

namespace hone::tools {
namespace {

constexpr size_t kMaxShapeRank = 64;  // as parse_shape(); the model's rank is compared later

Status bad_shape(std::string_view text, std::string cause) {
  return Status(Code::kInvalidArgument, fmt::format("'{}' is not a shape", printable(text)))
      .because(std::move(cause))
      .fix("write NAME:1x224x224x3, several with commas");
}

Result<std::vector<int64_t>> parse_dimensions(std::string_view text) {
  std::vector<int64_t> shape;
  if (trim(text).empty()) return shape;
  for (std::string_view part : split(text, 'x')) {
    const auto size = parse_int64(trim(part));
    if (!size || *size < 0)
      return bad_shape(text, fmt::format("'{}' is not a size", printable(part)));
    shape.push_back(*size);
  }
  if (shape.size() > kMaxShapeRank) return bad_shape(text, "too many dimensions");
  return shape;
}

Result<std::vector<NamedShapes>> parse_each(const std::vector<std::string>& texts) {
  std::vector<NamedShapes> all;
  for (const std::string& text : texts) {
    HONE_ASSIGN_OR_RETURN(NamedShapes shapes, parse_shapes(text));
    all.push_back(std::move(shapes));
  }
  return all;
}

Profile make_profile(const NamedShapes* min, const NamedShapes* opt, const NamedShapes* max) {
  std::set<std::string> names;
  for (const NamedShapes* shapes : {min, opt, max}) {
    if (!shapes) continue;
    for (const auto& [name, shape] : *shapes) names.insert(name);
  }
  Profile profile;
  for (const std::string& name : names) {
    const auto find = [&name](const NamedShapes* shapes) -> const std::vector<int64_t>* {
      if (!shapes) return nullptr;
      const auto it = shapes->find(name);
      return it == shapes->end() ? nullptr : &it->second;
    };
    const auto *low = find(min), *middle = find(opt), *high = find(max);
    if (!middle) middle = high ? high : low;
    profile[name] = {low ? *low : *middle, *middle, high ? *high : *middle};
  }
  return profile;
}

}  // namespace

Result<NamedShapes> parse_shapes(std::string_view text) {
  NamedShapes shapes;
  for (std::string_view part : split(text, ',')) {
    const size_t colon = part.rfind(':');
    if (colon == std::string_view::npos) return bad_shape(part, "there is no ':' after a name");
    std::string name(trim(part.substr(0, colon)));
    name.erase(std::remove(name.begin(), name.end(), '\''), name.end());  // trtexec allows quotes
    if (name.empty()) return bad_shape(part, "the name is empty");
    HONE_ASSIGN_OR_RETURN(auto shape, parse_dimensions(part.substr(colon + 1)));
    if (!shapes.emplace(name, std::move(shape)).second) {
      return bad_shape(text, fmt::format("'{}' is there twice", printable(name)));
    }
  }
  return shapes;
}

Result<std::vector<Profile>> parse_profiles(const std::vector<std::string>& min,
                                            const std::vector<std::string>& opt,
                                            const std::vector<std::string>& max) {
  const size_t count = std::max({min.size(), opt.size(), max.size()});
  for (const auto* list : {&min, &opt, &max}) {
    if (list->empty() || list->size() == count) continue;
    return Status(Code::kInvalidArgument,
                  fmt::format("{} --min-shapes, {} --opt-shapes and {} --max-shapes given",
                              min.size(), opt.size(), max.size()))
        .fix("give each of them once per profile");
  }
  HONE_ASSIGN_OR_RETURN(const auto mins, parse_each(min));
  HONE_ASSIGN_OR_RETURN(const auto opts, parse_each(opt));
  HONE_ASSIGN_OR_RETURN(const auto maxs, parse_each(max));
  std::vector<Profile> profiles;
  for (size_t i = 0; i < count; ++i) {
    const auto at = [i](const std::vector<NamedShapes>& list) {
      return list.empty() ? nullptr : &list[i];
    };
    profiles.push_back(make_profile(at(mins), at(opts), at(maxs)));
  }
  return profiles;
}

Result<double> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    double seconds;
  };
  std::string_view number = trim(text);
  double scale = 1;
  for (const Unit& unit : {Unit{"ms", 1e-3}, Unit{"s", 1}, Unit{"m", 60}}) {
    if (!number.ends_with(unit.suffix)) continue;
    number.remove_suffix(unit.suffix.size());
    scale = unit.seconds;
    break;
  }
  const auto value = parse_double(trim(number));
  if (!value || !std::isfinite(*value) || *value < 0) {
    return Status(Code::kInvalidArgument, fmt::format("'{}' is not a duration", printable(text)))
        .fix("write 5s, 500ms or 2m");
  }
  return *value * scale;
}

Result<int64_t> parse_memory(std::string_view text) {
  if (text.empty()) return int64_t{0};
  const auto bytes = parse_bytes(text);
  if (!bytes || *bytes > static_cast<uint64_t>(INT64_MAX)) {
    return Status(Code::kInvalidArgument, fmt::format("'{}' is not a memory size", printable(text)))
        .fix("write 512MiB or 1GiB");
  }
  return static_cast<int64_t>(*bytes);
}

Result<Precision> parse_precision(std::string_view text) {
  const std::string name = to_lower(text);
  if (name == "fp32" || name == "tf32") return Precision::kFp32;
  constexpr std::string_view kLater[] = {"bf16", "fp16", "int8", "best"};
  if (std::find(std::begin(kLater), std::end(kLater), name) != std::end(kLater)) {
    return Status(Code::kUnsupported, fmt::format("precision '{}' is not in this version", name))
        .because("this version builds FP32 plans only")
        .fix("use --precision fp32, or leave it out");
  }
  return Status(Code::kInvalidArgument, fmt::format("'{}' is not a precision", printable(text)))
      .fix("use fp32; bf16, fp16, int8 and best come with later versions");
}

}  // namespace hone::tools

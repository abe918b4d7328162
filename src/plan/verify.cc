#include "plan/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "plan/plan_file.h"
#include "plan/stages.h"

namespace hone {
namespace plan_checks {

Status wrong(std::string what) { return Status(Code::kPlan, std::move(what)); }

Status check_name(const std::string& name, const char* what) {
  if (name.size() <= kMaxName) return ok();
  return wrong(fmt::format("{} has {} bytes", what, name.size()));
}

std::string step_place(const Portable& portable, size_t step) {
  return fmt::format("step {} '{}'", step, printable(portable.steps[step].name));
}

namespace {

Status check_symbols(const Dim& dim, const std::set<std::string>& symbols) {
  if (!dim.is_valid()) return wrong("a dimension is not valid");
  if (dim.is_const()) return ok();
  std::set<std::string> used;
  dim.collect_symbols(&used);
  for (const std::string& symbol : used) {
    if (!symbols.contains(symbol)) {
      return wrong(
          fmt::format("no input and no step gives a value to '{}' in '{}'", symbol, dim.text()));
    }
  }
  return ok();
}

Status check_constant(const PlanValue& value) {
  const auto shape = to_static(value.type.shape);
  if (!shape) return wrong("a constant has a shape that is not constant");
  // No size_t may overflow later, whether the data are there or not.
  if (auto bytes = checked_num_bytes(value.type.dtype, *shape); !bytes.ok()) {
    return wrong(bytes.status().message());
  }
  if (!value.has_data) return ok();
  if (value.constant.dtype() != value.type.dtype || value.constant.shape() != *shape) {
    return wrong(fmt::format("the constant {} has the type {}", value.constant.text(0),
                             type_text(value.type)));
  }
  return ok();
}

Status check_value(const PlanValue& value, const std::set<std::string>& symbols) {
  HONE_RETURN_IF_ERROR(check_name(value.name, "its name"));
  HONE_RETURN_IF_ERROR(check_name(value.source, "its source"));
  if (value.kind > ValueKind::kComputed) return wrong("it is of no known kind");
  if (value.type.dtype < DataType::f32 || value.type.dtype > DataType::string) {
    return wrong("it has no known data type");
  }
  if (value.type.shape.size() > kMaxRank) {
    return wrong(fmt::format("rank {} is more than {}", value.type.shape.size(), kMaxRank));
  }
  for (const Dim& dim : value.type.shape) {
    if (!dim.is_valid()) return wrong("a dimension is not valid");
    // The shapes of computed values are compared with inferred ones, see check_steps().
    if (value.kind == ValueKind::kInput) HONE_RETURN_IF_ERROR(check_symbols(dim, symbols));
    if (dim.is_const() && dim.value() < 0) return wrong("a dimension is negative");
  }
  if (value.kind == ValueKind::kConstant) return check_constant(value);
  return value.has_data ? wrong("it has data, but is no constant") : ok();
}

// A list of distinct values of one kind, with as many distinct names.
Status check_list(const Portable& portable, const std::vector<int>& list,
                  const std::vector<std::string>& names, ValueKind kind) {
  if (list.size() != names.size()) {
    return wrong(fmt::format("{} of them, but {} names", list.size(), names.size()));
  }
  std::unordered_set<int> seen;
  std::unordered_set<std::string> seen_names;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] < 0 || static_cast<size_t>(list[i]) >= portable.values.size()) {
      return wrong(fmt::format("there is no value {}", list[i]));
    }
    if (portable.values[list[i]].kind != kind || !seen.insert(list[i]).second) {
      return wrong(fmt::format("value {} is listed twice or of the wrong kind", list[i]));
    }
    HONE_RETURN_IF_ERROR(check_name(names[i], "a name"));
    if (names[i].empty() || !seen_names.insert(names[i]).second) {
      return wrong(fmt::format("the name '{}' is empty or taken", printable(names[i])));
    }
  }
  return ok();
}

Status check_range(const PlanProfile::Range& range, const Shape& declared) {
  const size_t rank = declared.size();
  if (range.min.size() != rank || range.opt.size() != rank || range.max.size() != rank) {
    return wrong(fmt::format("its rank is not {}", rank));
  }
  for (size_t d = 0; d < rank; ++d) {
    const int64_t min = range.min[d], opt = range.opt[d], max = range.max[d];
    if (min < 0 || min > opt || opt > max) {
      return wrong(
          fmt::format("dimension {}: 0 <= {} <= {} <= {} does not hold", d, min, opt, max));
    }
    if (declared[d].is_const() && (min != declared[d].value() || max != min)) {
      return wrong(
          fmt::format("dimension {} is {}, not {} to {}", d, declared[d].value(), min, max));
    }
  }
  return ok();
}

Status check_profile(const Portable& portable, const PlanProfile& profile) {
  if (profile.inputs.size() != portable.inputs.size()) {
    return wrong(
        fmt::format("{} ranges for {} inputs", profile.inputs.size(), portable.inputs.size()));
  }
  for (size_t i = 0; i < profile.inputs.size(); ++i) {
    Status status = check_range(profile.inputs[i], portable.values[portable.inputs[i]].type.shape);
    if (!status.ok()) return std::move(status).at(fmt::format("input {}", i));
  }
  return ok();
}

Status check_interface(const Portable& portable, std::set<std::string>* symbols) {
  if (Status status =
          check_list(portable, portable.inputs, portable.input_names, ValueKind::kInput);
      !status.ok()) {
    return std::move(status).at("inputs");
  }
  if (Status status =
          check_list(portable, portable.outputs, portable.output_names, ValueKind::kComputed);
      !status.ok()) {
    return std::move(status).at("outputs");
  }
  const size_t inputs = std::count_if(portable.values.begin(), portable.values.end(),
                                      [](auto& v) { return v.kind == ValueKind::kInput; });
  if (inputs != portable.inputs.size()) return wrong("a value is an input, but not listed as one");
  // Binding reads the value of a symbol where a dimension is just that symbol.
  *symbols = input_symbols(portable);
  return ok();
}

}  // namespace

Status check_values(const Portable& portable, std::set<std::string>* symbols) {
  HONE_RETURN_IF_ERROR(check_name(portable.model_name, "the name of the model"));
  if (portable.values.size() > kMaxValues) return wrong("too many values");
  if (portable.steps.size() > kMaxSteps) return wrong("too many steps");
  if (portable.profiles.size() > kMaxProfiles) return wrong("too many profiles");
  HONE_RETURN_IF_ERROR(check_interface(portable, symbols));
  for (size_t i = 0; i < portable.values.size(); ++i) {
    if (Status status = check_value(portable.values[i], *symbols); !status.ok()) {
      const std::string name = printable(portable.values[i].name);
      return std::move(status).at(fmt::format("value {} '{}'", i, name));
    }
  }
  for (size_t i = 0; i < portable.profiles.size(); ++i) {
    if (Status status = check_profile(portable, portable.profiles[i]); !status.ok()) {
      return std::move(status).at(fmt::format("profile {}", i));
    }
  }
  return ok();
}

Status check_equal_pairs(const Portable& portable, const std::set<std::string>& symbols) {
  for (const auto& [a, b] : portable.must_be_equal) {
    for (const Dim& dim : {a, b}) {
      Status status = check_symbols(dim, symbols);
      if (!status.ok()) return std::move(status).at("shape checks");
    }
  }
  return ok();
}

}  // namespace plan_checks

Status verify_plan(const PlanData& plan) {
  std::set<std::string> symbols;
  HONE_RETURN_IF_ERROR(plan_checks::check_values(plan.portable, &symbols));
  HONE_RETURN_IF_ERROR(plan_checks::check_steps(plan.portable, &symbols));
  HONE_RETURN_IF_ERROR(plan_checks::check_equal_pairs(plan.portable, symbols));
  return plan_checks::check_tuned(plan);
}

}  // namespace hone

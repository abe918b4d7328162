// Model, Plan, build.
#include "bindings.h"

namespace hone::python {
namespace {

Precision parse_precision(const std::string& name) {
  if (name == "fp32" || name == "tf32") return Precision::kFp32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "int8") return Precision::kInt8;
  if (name == "best") return Precision::kBest;
  throw Error(Status(Code::kInvalidArgument, "precision '" + name + "' is not known")
                  .fix("use one of fp32, bf16, fp16, int8, best"));
}

std::vector<Profile> parse_profiles(const nb::object& list) {
  std::vector<Profile> profiles;
  for (nb::handle entry : list) {
    Profile profile;
    for (const auto& [name, range] : nb::cast<nb::dict>(entry)) {
      const auto shapes = nb::cast<std::vector<std::vector<int64_t>>>(range);
      if (shapes.size() != 3)
        throw nb::value_error("a profile has three shapes: smallest, typical, largest");
      profile[nb::cast<std::string>(name)] = {shapes[0], shapes[1], shapes[2]};
    }
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

bool set_option(const std::string& name, const nb::object& value, BuildOptions* options) {
  if (name == "precision") {
    options->precision = parse_precision(nb::cast<std::string>(value));
  } else if (name == "profiles") {
    options->profiles = parse_profiles(value);
  } else if (name == "strict_fp32") {
    options->strict_fp32 = nb::cast<bool>(value);
  } else if (name == "threads") {
    options->threads = nb::cast<int>(value);
  } else if (name == "memory") {
    options->memory_bytes = nb::cast<int64_t>(value);
  } else if (name == "tune") {
    options->tune = nb::cast<bool>(value);
  } else if (name == "retune") {
    options->retune = nb::cast<bool>(value);
  } else if (name == "tune_seconds") {
    options->tune_seconds = nb::cast<double>(value);
  } else if (name == "timing_cache") {
    options->timing_cache = nb::cast<std::string>(value);
  } else if (name == "target") {
    options->target = nb::cast<std::string>(value);
  } else if (name == "portable") {
    options->portable = nb::cast<bool>(value);
  } else if (name == "dump_graphs") {
    options->dump_graphs = nb::cast<std::string>(value);
  } else {
    return false;
  }
  return true;
}

Plan build_model(const std::string& path, const std::string& signature, const nb::dict& arguments,
                 nb::object callback) {
  BuildOptions options = build_options(arguments);
  return run_with_progress(std::move(callback), [&](const Progress& progress) -> Result<Plan> {
    HONE_ASSIGN_OR_RETURN(const Model model, Model::from_file(path, signature));
    options.progress = progress;
    return build(model, options);
  });
}

}  // namespace

BuildOptions build_options(const nb::dict& arguments) {
  BuildOptions options;
  for (const auto& [key, value] : arguments) {
    const auto name = nb::cast<std::string>(key);
    bool known = false;
    try {
      known = set_option(name, nb::borrow(value), &options);
    } catch (const nb::cast_error&) {
      throw nb::type_error(("build option '" + name + "' has a value of the wrong type").c_str());
    }
    if (!known) throw nb::type_error(("unknown build option '" + name + "'").c_str());
  }
  return options;
}

void bind_builder(nb::module_& module) {
  nb::class_<Plan>(module, "Plan")
      .def("to_bytes", [](const Plan& plan) { return to_bytes(plan.bytes()); })
      .def_prop_ro("size", [](const Plan& plan) { return plan.size(); })
      .def("save", [](const Plan& plan, const std::string& path) {
        const Status status = [&] {
          nb::gil_scoped_release release;
          return plan.save(path);
        }();
        check(status);
      });
  module.def("build", &build_model, nb::arg("path"), nb::arg("signature"), nb::arg("options"),
             nb::arg("progress").none());
}

}  // namespace hone::python

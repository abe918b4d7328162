// hone compare: is what the plan computes what the model means?
#include <fmt/core.h>

#include <algorithm>

#include "arguments.h"
#include "build_flags.h"
#include "builder/model_impl.h"
#include "command.h"
#include "compare_errors.h"
#include "console.h"
#include "exit_code.h"
#include "graph/evaluate.h"
#include "inputs.h"
#include "json.h"
#include "load.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone compare model.onnx\n"
    "  hone compare model.onnx --plan model.plan --seeds 5\n"
    "  hone compare saved_model_dir --tolerance 1e-5 --json\n";

struct CompareOptions {
  std::string model, plan, against = "reference", shapes;
  int seeds = 3, batch = 0;
  double tolerance = 1e-4;
  bool as_json = false;
};

Status check_options(const CompareOptions& options) {
  if (options.seeds < 1 || options.batch < 0 || !(options.tolerance >= 0)) {
    return Status(Code::kInvalidArgument,
                  "--seeds and --batch are at least 1, --tolerance not negative");
  }
  if (options.against == "reference") return ok();
  if (options.against == "onnxruntime" || options.against == "tensorflow") {
    return Status(Code::kUnsupported,
                  fmt::format("--against {} is not in this version", options.against))
        .fix(
            "use --against reference; or save that runtime's results with numpy.save and look at "
            "those of "
            "hone run --input NAME=FILE.npy --output-dir DIR beside them");
  }
  return Status(Code::kInvalidArgument, fmt::format("--against {} is unknown", options.against))
      .fix("use --against reference");
}

// Where each of the graph's inputs is among the engine's, or outputs: a plan may come from
// elsewhere.
Result<std::vector<size_t>> match_names(const std::vector<TensorInfo>& model,
                                        const std::vector<TensorInfo>& engine, const char* kind) {
  std::vector<size_t> order;
  for (const TensorInfo& info : model) {
    const auto it = std::find_if(engine.begin(), engine.end(), [&info](const TensorInfo& other) {
      return other.name == info.name;
    });
    if (it == engine.end() || engine.size() != model.size()) {
      return Status(Code::kPlan,
                    fmt::format("the plan's {}s are not the model's ('{}')", kind, info.name))
          .fix("build the plan from this model");
    }
    order.push_back(static_cast<size_t>(it - engine.begin()));
  }
  return order;
}

Status compare_once(const Model& model, const Engine& engine,
                    const std::vector<std::vector<int64_t>>& shapes, uint64_t seed,
                    std::vector<OutputError>* errors) {
  HONE_ASSIGN_OR_RETURN(const auto in_order, match_names(model.inputs(), engine.inputs(), "input"));
  HONE_ASSIGN_OR_RETURN(const auto out_order,
                        match_names(model.outputs(), engine.outputs(), "output"));
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, random_inputs(engine, shapes, seed));
  ExecutionContext context = engine.create_context();
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> actual, run_once(&context, inputs));
  std::vector<Tensor> reference_inputs;
  for (size_t i : in_order) reference_inputs.push_back(inputs[i]);
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> expected,
                        evaluate_graph(model.impl()->graph, reference_inputs));
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto error = output_error(expected[i], actual[out_order[i]]);
    if (!error.ok())
      return Status(error.status()).at(fmt::format("output '{}'", model.outputs()[i].name));
    (*errors)[i].merge(*error);
  }
  return ok();
}

std::string report_text(const Model& model, const std::vector<OutputError>& errors,
                        double tolerance) {
  Table table({"output", ">elements", ">range", ">max abs", ">max / range", ">RMS", ""});
  for (size_t i = 0; i < errors.size(); ++i) {
    const OutputError& e = errors[i];
    table.add_row({model.outputs()[i].name, std::to_string(e.elements),
                   fmt::format("{:.4g}", e.range), fmt::format("{:.3g}", e.max_abs),
                   fmt::format("{:.3g}", e.max_relative), fmt::format("{:.3g}", e.rms),
                   e.max_relative <= tolerance ? "good" : "TOO LARGE"});
  }
  return table.text();
}

Json report_json(const Model& model, const std::vector<OutputError>& errors,
                 const CompareOptions& options, bool good) {
  Json outputs = Json::array();
  for (size_t i = 0; i < errors.size(); ++i) {
    const OutputError& e = errors[i];
    outputs.push_back({{"name", model.outputs()[i].name},
                       {"elements", e.elements},
                       {"range", e.range},
                       {"max_abs", e.max_abs},
                       {"max_relative", e.max_relative},
                       {"rms", e.rms},
                       {"good", e.max_relative <= options.tolerance}});
  }
  return {{"against", options.against},
          {"seeds", options.seeds},
          {"tolerance", options.tolerance},
          {"good", good},
          {"outputs", outputs}};
}

void declare(CompareOptions* options, BuildFlags* flags, Arguments* arguments) {
  arguments->positional("MODEL", &options->model,
                        "ONNX file, SavedModel directory, GraphDef or graph text");
  arguments->option("--plan", "FILE", &options->plan, "compare this plan; else one is built");
  arguments->option("--against", "WHAT", &options->against,
                    "reference (default): the evaluator of the IR");
  arguments->option("--seeds", "N", &options->seeds, "so many random inputs (default 3)");
  arguments->option("--tolerance", "T", &options->tolerance,
                    "largest error / range (default 1e-4)");
  arguments->option("--batch", "N", &options->batch, "dimension 0 of every input");
  arguments->option("--shapes", "SHAPES", &options->shapes, "input shapes: x:1x224x224x3,y:1x10");
  arguments->flag("--json", &options->as_json, "results as JSON");
  arguments->later({"--bisect"}, "per-layer comparison comes with a later version");
  flags->declare_few(arguments);
}

Result<Engine> make_engine_of(const CompareOptions& options, const Model& model,
                              const BuildFlags& flags) {
  if (!options.plan.empty()) return Engine::load(options.plan, {.threads = flags.threads()});
  HONE_ASSIGN_OR_RETURN(BuildOptions build_options, flags.options());
  return build_engine(model, std::move(build_options));
}

}  // namespace

Result<int> run_compare(const Words& words) {
  CompareOptions options;
  BuildFlags flags;
  Arguments arguments("compare",
                      "Compares a model's plan with the reference, on the same random inputs.",
                      kExamples);
  declare(&options, &flags, &arguments);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_RETURN_IF_ERROR(check_options(options));
  ShapeWish wish;
  wish.batch = options.batch;
  if (!options.shapes.empty()) {
    HONE_ASSIGN_OR_RETURN(wish.shapes, parse_shapes(options.shapes));
  }
  HONE_ASSIGN_OR_RETURN(const Model model, load_model(options.model, flags.signature()));
  HONE_ASSIGN_OR_RETURN(const Engine engine, make_engine_of(options, model, flags));
  HONE_ASSIGN_OR_RETURN(const auto shapes, choose_shapes(engine, wish));
  std::vector<OutputError> errors(model.outputs().size());
  for (int seed = 0; seed < options.seeds; ++seed) {
    draw_status_line(
        fmt::format("reference evaluation {} of {} (slow: every operator in plain loops)", seed + 1,
                    options.seeds));
    HONE_RETURN_IF_ERROR(compare_once(model, engine, shapes, static_cast<uint64_t>(seed), &errors));
  }
  const bool good = std::all_of(errors.begin(), errors.end(), [&options](const OutputError& error) {
    return error.max_relative <= options.tolerance;
  });
  print_result(options.as_json ? json_text(report_json(model, errors, options, good))
                               : report_text(model, errors, options.tolerance));
  return good ? kExitGood : kExitFailed;
}

}  // namespace hone::tools

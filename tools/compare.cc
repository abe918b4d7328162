// hone compare: is what the plan computes what the model means?
#include <fmt/core.h>

#include <algorithm>

#include "arguments.h"
#include "bisect.h"
#include "build_flags.h"
#include "command.h"
#include "compare_errors.h"
#include "console.h"
#include "exit_code.h"
#include "inputs.h"
#include "json.h"
#include "load.h"
#include "truth.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone compare model.onnx\n"
    "  hone compare model.onnx --plan model.plan --seeds 5\n"
    "  hone compare model.onnx --against onnxruntime --bisect\n"
    "  hone compare saved_model_dir --against tensorflow --tolerance 1e-5 --json\n";

struct CompareOptions {
  std::string model, plan, against = "reference", shapes;
  int seeds = 3, batch = 0;
  double tolerance = 1e-4;
  bool as_json = false, bisect = false;
};

Status check_options(const CompareOptions& options) {
  if (options.seeds < 1 || options.batch < 0 || !(options.tolerance >= 0)) {
    return Status(Code::kInvalidArgument,
                  "--seeds and --batch are at least 1, --tolerance not negative");
  }
  for (const char* known : {"reference", "onnxruntime", "tensorflow"}) {
    if (options.against == known) return ok();
  }
  return Status(Code::kInvalidArgument, fmt::format("--against {} is unknown", options.against))
      .fix("use --against reference, onnxruntime or tensorflow");
}

struct Comparison {
  std::vector<OutputError> outputs;
  std::vector<LayerError> layers;  // of the first seed, with --bisect
};

Status compare_once(const CompareOptions& options, const std::string& signature, const Model& model,
                    const Engine& engine, const std::vector<std::vector<int64_t>>& shapes,
                    uint64_t seed, Comparison* comparison) {
  HONE_ASSIGN_OR_RETURN(const auto in_order, match_names(model.inputs(), engine.inputs(), "input"));
  HONE_ASSIGN_OR_RETURN(const auto out_order,
                        match_names(model.outputs(), engine.outputs(), "output"));
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, random_inputs(engine, shapes, seed));
  ExecutionContext context = engine.create_context();
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> actual, run_once(&context, inputs));
  std::vector<Tensor> model_inputs;
  for (size_t i : in_order) model_inputs.push_back(inputs[i]);
  std::set<std::string> taps;
  if (options.bisect && seed == 0) taps = tensors_inside(engine);
  HONE_ASSIGN_OR_RETURN(const Truth truth,
                        options.against == "reference"
                            ? reference_truth(model, model_inputs, taps)
                            : peer_truth(options.against, model, signature, model_inputs, taps));
  for (size_t i = 0; i < truth.outputs.size(); ++i) {
    const auto error = output_error(truth.outputs[i], actual[out_order[i]]);
    if (!error.ok())
      return Status(error.status()).at(fmt::format("output '{}'", model.outputs()[i].name));
    comparison->outputs[i].merge(*error);
  }
  if (taps.empty()) return ok();
  HONE_ASSIGN_OR_RETURN(comparison->layers, layer_errors(engine, inputs, truth));
  return ok();
}

const LayerError* first_bad(const std::vector<LayerError>& layers, double tolerance) {
  const auto it = std::find_if(layers.begin(), layers.end(), [tolerance](const LayerError& layer) {
    return !(layer.error.max_relative <= tolerance);
  });
  return it == layers.end() ? nullptr : &*it;
}

// Up to the first bad layer: what comes later inherits its error.
std::string bisect_text(const std::vector<LayerError>& layers, double tolerance) {
  constexpr size_t kShownBefore = 5;
  if (layers.empty()) return "\nno layer computes a tensor that the other side has: not compared\n";
  const LayerError* bad = first_bad(layers, tolerance);
  if (!bad) return fmt::format("\n{} layers compared, all good\n", layers.size());
  const size_t index = static_cast<size_t>(bad - layers.data());
  Table table({"layer", "operator", "tactic", "tensor", ">max abs", ">max / range", ""});
  for (size_t i = index > kShownBefore ? index - kShownBefore : 0; i <= index; ++i) {
    const LayerError& layer = layers[i];
    table.add_row({shortened(layer.layer, 40), layer.op, layer.tactic, shortened(layer.tensor, 40),
                   fmt::format("{:.3g}", layer.error.max_abs),
                   fmt::format("{:.3g}", layer.error.max_relative),
                   i == index ? "TOO LARGE" : "good"});
  }
  return fmt::format("\n{}\nfirst bad layer: {} ({} of {}), tensor {}\n", table.text(), bad->layer,
                     index + 1, layers.size(), bad->tensor);
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

Json error_json(const std::string& name, const OutputError& e, double tolerance) {
  return {{"name", name},
          {"elements", e.elements},
          {"range", e.range},
          {"max_abs", e.max_abs},
          {"max_relative", e.max_relative},
          {"rms", e.rms},
          {"good", e.max_relative <= tolerance}};
}

Json report_json(const Model& model, const Comparison& comparison, const CompareOptions& options,
                 bool good) {
  Json outputs = Json::array();
  for (size_t i = 0; i < comparison.outputs.size(); ++i) {
    outputs.push_back(
        error_json(model.outputs()[i].name, comparison.outputs[i], options.tolerance));
  }
  Json report = {{"against", options.against},
                 {"seeds", options.seeds},
                 {"tolerance", options.tolerance},
                 {"good", good},
                 {"outputs", outputs}};
  if (!options.bisect) return report;
  report["layers"] = Json::array();
  for (const LayerError& layer : comparison.layers) {
    Json entry = error_json(layer.tensor, layer.error, options.tolerance);
    entry["layer"] = layer.layer;
    entry["operator"] = layer.op;
    entry["tactic"] = layer.tactic;
    report["layers"].push_back(std::move(entry));
  }
  const LayerError* bad = first_bad(comparison.layers, options.tolerance);
  report["first_bad_layer"] = bad ? Json(bad->layer) : Json();
  return report;
}

void declare(CompareOptions* options, BuildFlags* flags, Arguments* arguments) {
  arguments->positional("MODEL", &options->model,
                        "ONNX file, SavedModel directory, GraphDef or graph text");
  arguments->option("--plan", "FILE", &options->plan, "compare this plan; else one is built");
  arguments->option("--against", "WHAT", &options->against,
                    "reference (default): plain loops; onnxruntime or tensorflow, through Python");
  arguments->option("--seeds", "N", &options->seeds, "so many random inputs (default 3)");
  arguments->option("--tolerance", "T", &options->tolerance,
                    "largest error / range (default 1e-4)");
  arguments->option("--batch", "N", &options->batch, "dimension 0 of every input");
  arguments->option("--shapes", "SHAPES", &options->shapes, "input shapes: x:1x224x224x3,y:1x10");
  arguments->flag("--json", &options->as_json, "results as JSON");
  arguments->flag("--bisect", &options->bisect,
                  "compare the tensors inside, too, and name the first layer that goes wrong");
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
  Arguments arguments(
      "compare",
      "Compares a model's plan with the reference or another runtime, on the same inputs.",
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
  Comparison comparison;
  comparison.outputs.resize(model.outputs().size());
  for (int seed = 0; seed < options.seeds; ++seed) {
    draw_status_line(fmt::format("{} {} of {}{}", options.against, seed + 1, options.seeds,
                                 options.against == "reference" ? " (slow: plain loops)" : ""));
    HONE_RETURN_IF_ERROR(compare_once(options, flags.signature(), model, engine, shapes,
                                      static_cast<uint64_t>(seed), &comparison));
  }
  draw_status_line("");
  const bool good = std::all_of(
      comparison.outputs.begin(), comparison.outputs.end(),
      [&options](const OutputError& error) { return error.max_relative <= options.tolerance; });
  std::string text = report_text(model, comparison.outputs, options.tolerance);
  if (options.bisect) text += bisect_text(comparison.layers, options.tolerance);
  print_result(options.as_json ? json_text(report_json(model, comparison, options, good)) : text);
  return good ? kExitGood : kExitFailed;
}

}  // namespace hone::tools

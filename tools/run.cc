// hone run: one run, with .npy files or random inputs.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "arguments.h"
#include "base/dim.h"
#include "base/file.h"
#include "build_flags.h"
#include "builder/model_impl.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "graph/evaluate.h"
#include "graph/widen.h"
#include "inputs.h"
#include "interrupt.h"
#include "json.h"
#include "load.h"
#include "npy.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone run model.plan\n"
    "  hone run model.plan --input x=image.npy --output-dir results\n"
    "  hone run model.onnx --shapes x:4x224x224x3 --json\n"
    "  hone run model.onnx --reference --input x=image.npy --output-dir exact\n";
constexpr int64_t kMaxJsonValues = 1000;

struct Summary {
  double low = 0, high = 0, mean = 0;
};

// Of the finite elements.
Summary summarize(const std::vector<double>& values) {
  Summary summary{INFINITY, -INFINITY, 0};
  int64_t count = 0;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    summary.low = std::min(summary.low, value);
    summary.high = std::max(summary.high, value);
    summary.mean += value;
    ++count;
  }
  if (count == 0) return {NAN, NAN, NAN};
  summary.mean /= static_cast<double>(count);
  return summary;
}

std::string output_line(const std::string& name, const Tensor& tensor) {
  const auto values = tensor.as_doubles();
  if (!values) return fmt::format("{}: {}\n", name, tensor.text());
  const Summary summary = summarize(*values);
  return fmt::format("{}: {}  min {:.6g} max {:.6g} mean {:.6g}\n", name, tensor.text(),
                     summary.low, summary.high, summary.mean);
}

Json output_json(const std::string& name, const Tensor& tensor) {
  Json json = {{"name", name}, {"dtype", dtype_name(tensor.dtype())}, {"shape", tensor.shape()}};
  if (const auto values = tensor.as_doubles()) {
    const Summary summary = summarize(*values);
    json["min"] = summary.low;
    json["max"] = summary.high;
    json["mean"] = summary.mean;
    const auto shown = std::min(kMaxJsonValues, tensor.num_elements());
    json["values"] = std::vector<double>(values->begin(), values->begin() + shown);
    json["truncated"] = shown < tensor.num_elements();
  }
  return json;
}

// "dense/BiasAdd:0" -> "dense_BiasAdd_0.npy": names of files must not lead elsewhere.
std::string file_name(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  if (name.empty() || name[0] == '.') name = "_" + name;
  return name + ".npy";
}

Status write_outputs(const std::string& directory, const std::vector<TensorInfo>& infos,
                     const std::vector<Tensor>& outputs) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Status(Code::kIo, "cannot make the directory").at(directory).because(error.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(const std::string bytes, write_npy(outputs[i]));
    const UninterruptedWrite whole;
    const std::string path = join_path(directory, file_name(infos[i].name));
    HONE_RETURN_IF_ERROR(write_file_atomically(path, bytes));
  }
  return ok();
}

void print_outputs(const std::vector<TensorInfo>& infos, const std::vector<Tensor>& outputs,
                   bool as_json) {
  Json json = {{"outputs", Json::array()}};
  std::string text;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = infos[i].name;
    if (as_json) {
      json["outputs"].push_back(output_json(name, outputs[i]));
    } else {
      text += output_line(name, outputs[i]);
    }
  }
  print_result(as_json ? json_text(json) : text);
}

struct RunOptions {
  std::string file, output_directory, shapes;
  std::vector<std::string> given;
  int seed = 0;
  bool as_json = false, reference = false;
};

void declare(RunOptions* options, BuildFlags* flags, Arguments* arguments) {
  arguments->positional("FILE", &options->file, "plan or model");
  arguments->option("--input", "NAME=FILE.npy", &options->given,
                    "an input; without any, all are random");
  arguments->option("--output-dir", "DIR", &options->output_directory,
                    "write each output as NAME.npy");
  arguments->option("--shapes", "SHAPES", &options->shapes,
                    "shapes of random inputs: x:1x224x224x3,y:1x10");
  arguments->option("--seed", "N", &options->seed, "of random inputs");
  arguments->flag("--json", &options->as_json, "results as JSON, at most 1000 values per output");
  arguments->flag("--reference", &options->reference,
                  "what the model means: every operator in plain loops and in FP64 (slow); needs "
                  "--input");
  flags->declare_few(arguments);
}

struct Results {
  std::vector<TensorInfo> infos;
  std::vector<Tensor> tensors;
};

Result<Results> run_reference(const RunOptions& options, const BuildFlags& flags) {
  HONE_ASSIGN_OR_RETURN(const Model model, load_model(options.file, flags.signature()));
  HONE_ASSIGN_OR_RETURN(std::vector<Tensor> inputs, read_inputs(model.inputs(), options.given));
  for (Tensor& input : inputs) {
    HONE_ASSIGN_OR_RETURN(input, widen_floats(input));
  }
  HONE_ASSIGN_OR_RETURN(const Graph graph, widen_floats(model.impl()->graph));
  HONE_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, evaluate_graph(graph, inputs));
  return Results{model.outputs(), std::move(outputs)};
}

Result<Results> run_engine(const RunOptions& options, const BuildFlags& flags) {
  ShapeWish wish;
  if (!options.shapes.empty()) {
    HONE_ASSIGN_OR_RETURN(wish.shapes, parse_shapes(options.shapes));
  }
  HONE_ASSIGN_OR_RETURN(
      const Engine engine,
      load_engine(options.file, flags, /*tune=*/false));  // would take longer than the run
  std::vector<Tensor> inputs;
  if (options.given.empty() && !engine.inputs().empty()) {
    HONE_ASSIGN_OR_RETURN(const auto chosen, choose_shapes(engine, wish));
    HONE_ASSIGN_OR_RETURN(inputs,
                          random_inputs(engine, chosen, static_cast<uint64_t>(options.seed)));
  } else {
    HONE_ASSIGN_OR_RETURN(inputs, read_inputs(engine.inputs(), options.given));
  }
  ExecutionContext context = engine.create_context();
  HONE_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, run_once(&context, inputs));
  return Results{engine.outputs(), std::move(outputs)};
}

}  // namespace

Result<int> run_run(const Words& words) {
  RunOptions options;
  BuildFlags flags;
  Arguments arguments("run", "Runs a plan, or a model, once.", kExamples);
  declare(&options, &flags, &arguments);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(const Results results, options.reference ? run_reference(options, flags)
                                                                 : run_engine(options, flags));
  if (!options.output_directory.empty()) {
    HONE_RETURN_IF_ERROR(write_outputs(options.output_directory, results.infos, results.tensors));
  }
  print_outputs(results.infos, results.tensors, options.as_json);
  return kExitGood;
}

}  // namespace hone::tools

// hone inspect: what is in a plan or model.
#include "inspect.h"

#include "arguments.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "load.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone inspect model.plan\n"
    "  hone inspect model.onnx --fusions\n"
    "  hone inspect model.plan --json\n";

}  // namespace

Result<int> run_inspect(const Words& words) {
  std::string file, signature;
  bool fusions = false, as_json = false;
  Arguments arguments(
      "inspect",
      "Shows a plan's layers, tactics (and why not others) and memory, or a model's operators.",
      kExamples);
  arguments.positional("FILE", &file, "plan or model");
  arguments.flag("--fusions", &fusions, "of a model: what the passes fuse and remove");
  arguments.flag("--json", &as_json, "as JSON");
  arguments.option("--signature", "NAME", &signature, "of a SavedModel (default serving_default)");
  arguments.later({"--tensors"},
                  "range files are for INT8, and this version builds FP32 plans only");
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(const bool plan, is_plan(file));
  std::string text;
  if (plan) {
    if (fusions) {
      return Status(Code::kInvalidArgument, "--fusions needs the model; a plan has only the result")
          .fix(
              "hone inspect MODEL --fusions; the sources of each layer of a plan are shown without "
              "it");
    }
    HONE_ASSIGN_OR_RETURN(const Engine engine, Engine::load(file));
    HONE_ASSIGN_OR_RETURN(text, inspect_plan(engine, as_json));
  } else {
    HONE_ASSIGN_OR_RETURN(const Model model, load_model(file, signature));
    HONE_ASSIGN_OR_RETURN(text, inspect_model(model, fusions, as_json));
  }
  print_result(text);
  return kExitGood;
}

}  // namespace hone::tools

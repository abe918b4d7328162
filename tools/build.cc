// hone build: MODEL -> FILE.plan.
#include <fmt/core.h>

#include <chrono>

#include "arguments.h"
#include "base/file.h"
#include "base/text.h"
#include "build_flags.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "interrupt.h"
#include "load.h"
#include "progress.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone build model.onnx -o model.plan\n"
    "  hone build saved_model_dir -o model.plan --timing-cache machine.timing\n"
    "  hone build model.onnx -o model.plan --min-shapes x:1x224x224x3 --opt-shapes x:8x224x224x3 "
    "--max-shapes x:32x224x224x3\n"
    "  hone build --onnx=model.onnx --saveEngine=model.plan --noTF32\n";

// Known before minutes of tuning: can the plan be written there?
Status check_output(const std::string& path) {
  if (is_directory(path))
    return Status(Code::kIo, "this is a directory").at(path).fix("give a file name");
  if (is_directory(parent_path(path))) return ok();
  return Status(Code::kIo, "there is no such directory").at(parent_path(path)).fix("make it first");
}

Status cancelled() { return Status(Code::kCancelled, "interrupted; nothing was written"); }

Result<Plan> build_plan_file(const std::string& model_path, const BuildFlags& flags,
                             BuildOptions options) {
  const GracefulInterrupt graceful;
  options.progress = progress_bar();
  if (!options.progress("import", 0, model_path)) return cancelled();
  HONE_ASSIGN_OR_RETURN(const Model model, load_model(model_path, flags.signature()));
  auto plan = build(model, options);
  draw_status_line("");
  if (GracefulInterrupt::interrupted()) return cancelled();
  return plan;
}

}  // namespace

Result<int> run_build(const Words& words) {
  std::string model, output;
  BuildFlags flags;
  Arguments arguments("build", "Optimizes a model for this machine and writes a plan.", kExamples);
  arguments.positional("MODEL", &model,
                       "ONNX file, SavedModel directory, frozen GraphDef or graph text");
  arguments.option("-o,--output", "FILE", &output, "the plan to write", /*required=*/true);
  flags.declare_all(&arguments);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(BuildOptions options, flags.options());
  HONE_RETURN_IF_ERROR(check_output(output));
  const auto begin = std::chrono::steady_clock::now();
  HONE_ASSIGN_OR_RETURN(const Plan plan, build_plan_file(model, flags, std::move(options)));
  {
    const UninterruptedWrite whole;
    HONE_RETURN_IF_ERROR(plan.save(output));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  print_error(fmt::format("{}: {} in {:.1f} s\n", output, human_bytes(plan.size()),
                          seconds.count()));
  return kExitGood;
}

}  // namespace hone::tools

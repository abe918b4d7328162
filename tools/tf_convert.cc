// hone tf convert: a SavedModel with Hone engines inside.
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "interrupt.h"
#include "progress.h"
#include "tf_flags.h"

namespace hone::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExamples =
    "  hone tf convert saved_model_dir converted_dir\n"
    "  hone tf convert saved_model_dir converted_dir --opt-shapes x:1x224x224x3 --opt-shapes "
    "x:8x224x224x3\n"
    "  hone tf convert saved_model_dir converted_dir --deny-op Softmax --min-segment-size 10\n";

Status cannot(const std::string& path, const char* what, const std::error_code& error) {
  return Status(Code::kIo, what).at(path).because(error.message());
}

// An earlier result may be replaced, anything else not.
Status check_output(const std::string& input, const std::string& output) {
  std::error_code error;
  if (fs::equivalent(input, output, error)) {
    return Status(Code::kInvalidArgument, "input and output are the same directory").at(output);
  }
  if (!file_exists(output)) return ok();
  if (!is_directory(output)) return Status(Code::kIo, "this is not a directory").at(output);
  if (fs::is_empty(output, error) || file_exists(join_path(output, "saved_model.pb"))) return ok();
  return Status(Code::kInvalidArgument, "the directory has files that are no SavedModel")
      .at(output)
      .fix("name another one, or empty it");
}

// Writes beside `output`, then renames: no half-written model, whatever happens.
Status save(const tensorflow::Conversion& conversion, std::string output) {
  while (output.size() > 1 && output.back() == '/') output.pop_back();
  const UninterruptedWrite whole;
  const std::string aside = fmt::format("{}.tmp.{}", output, ::getpid());
  std::error_code error;
  Status status = conversion.save(aside);
  if (status.ok()) {
    fs::remove_all(output, error);
    if (!error) fs::rename(aside, output, error);
    if (error) status = cannot(output, "cannot put the converted model there", error);
  }
  if (!status.ok()) fs::remove_all(aside, error);
  return status;
}

Result<tensorflow::Conversion> convert(const std::string& input,
                                       tensorflow::ConvertOptions options) {
  const GracefulInterrupt graceful;
  options.build.progress = progress_bar();
  auto conversion = tensorflow::convert_saved_model(input, options);
  draw_status_line("");
  if (GracefulInterrupt::interrupted()) {
    return Status(Code::kCancelled, "interrupted; nothing was written");
  }
  return conversion;
}

}  // namespace

Result<int> run_tf_convert(const Words& words) {
  std::string input, output;
  TensorflowFlags flags;
  Arguments arguments(
      "tf convert",
      "Converts a SavedModel: what Hone supports becomes engines, TensorFlow runs the rest.",
      kExamples);
  arguments.positional("SAVED_MODEL_DIR", &input, "the model");
  arguments.positional("OUT_DIR", &output, "where the converted one goes");
  flags.declare(&arguments, /*build=*/true);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(tensorflow::ConvertOptions options, flags.options());
  HONE_RETURN_IF_ERROR(check_output(input, output));
  HONE_ASSIGN_OR_RETURN(const tensorflow::Conversion conversion,
                        convert(input, std::move(options)));
  HONE_RETURN_IF_ERROR(save(conversion, output));
  print_result(conversion.report.text());
  return kExitGood;
}

}  // namespace hone::tools

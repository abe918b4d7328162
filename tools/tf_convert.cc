// hone tf convert: a SavedModel with Hone engines inside.
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

// What save() would refuse, known before minutes of tuning.
Status check_output(const std::string& output) {
  std::error_code error;
  if (!file_exists(output)) return ok();
  if (is_directory(output) && fs::is_empty(output, error)) return ok();
  return Status(Code::kIo, "the output exists and is not an empty directory")
      .at(output)
      .fix("give another directory, or remove this one");
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
  HONE_RETURN_IF_ERROR(check_output(output));
  HONE_ASSIGN_OR_RETURN(const tensorflow::Conversion conversion,
                        convert(input, std::move(options)));
  {
    const UninterruptedWrite whole;
    HONE_RETURN_IF_ERROR(conversion.save(output));
  }
  print_result(conversion.report.text());
  return kExitGood;
}

}  // namespace hone::tools

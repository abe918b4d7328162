// hone tf summary: what of a SavedModel would be converted, and why not the rest.
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "tf_flags.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone tf summary saved_model_dir\n"
    "  hone tf summary saved_model_dir --min-segment-size 10\n";

}  // namespace

Result<int> run_tf_summary(const Words& words) {
  std::string input;
  TensorflowFlags flags;
  Arguments arguments("tf summary",
                      "Shows what of a SavedModel would be converted, and why not the rest.",
                      kExamples);
  arguments.positional("SAVED_MODEL_DIR", &input, "the model");
  flags.declare(&arguments, /*build=*/false);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(const tensorflow::ConvertOptions options, flags.options());
  HONE_ASSIGN_OR_RETURN(const tensorflow::Report report,
                        tensorflow::summarize_saved_model(input, options));
  print_result(report.text());
  return kExitGood;
}

}  // namespace hone::tools

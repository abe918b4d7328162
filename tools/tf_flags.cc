#include "tf_flags.h"

#include "base/text.h"
#include "values.h"

namespace hone::tools {

void TensorflowFlags::declare(Arguments* arguments, bool build) {
  arguments->option("--signature", "NAME", &signature_,
                    "signature to convert (default serving_default)");
  arguments->option("--tags", "TAG,...", &tags_, "tags of the meta graph (default serve)");
  arguments->option("--min-segment-size", "N", &minimum_segment_size_,
                    "fewer nodes than this stay in TensorFlow (default 3)");
  arguments->option("--max-engines", "N", &maximum_engines_,
                    "keep the largest (default 20; 0 = no limit)");
  arguments->option("--deny-op", "OP", &denied_ops_, "this op type stays in TensorFlow");
  if (!build) return;
  arguments->option("--opt-shapes", "SHAPES", &opt_shapes_,
                    "input shapes to tune for: x:8x224x224x3");
  arguments->later({"--dynamic-shape", "--profile-strategy"},
                   "plans of this version accept every shape and are tuned for the --opt-shapes");
  build_.declare_for_convert(arguments);
}

Result<tensorflow::ConvertOptions> TensorflowFlags::options() const {
  tensorflow::ConvertOptions options;
  HONE_ASSIGN_OR_RETURN(options.build, build_.options());
  if (minimum_segment_size_ < 1) {
    return Status(Code::kInvalidArgument, "--min-segment-size must be at least 1");
  }
  options.signature = signature_;
  options.tags.clear();
  for (std::string_view tag : split(tags_, ',')) {
    if (!trim(tag).empty()) options.tags.emplace_back(trim(tag));
  }
  options.minimum_segment_size = minimum_segment_size_;
  options.maximum_engines = maximum_engines_;
  options.op_denylist = denied_ops_;
  for (const std::string& text : opt_shapes_) {
    HONE_ASSIGN_OR_RETURN(NamedShapes shapes, parse_shapes(text));
    options.input_shapes.push_back(std::move(shapes));
  }
  return options;
}

}  // namespace hone::tools

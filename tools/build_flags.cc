#include "build_flags.h"

#include "values.h"

namespace hone::tools {

void BuildFlags::declare_tuning(Arguments* arguments) {
  arguments->option("--threads", "N", &threads_, "threads of one run; 0 = all CPUs");
  arguments->flag("--no-tune", &no_tune_,
                  "time nothing, take the first tactic that can run each layer");
  arguments->option("--timing-cache", "FILE", &timing_cache_, "reuse timings, and add new ones");
}

void BuildFlags::declare_target(Arguments* arguments) {
  arguments->option("--precision", "NAME", &precision_,
                    "fp32 (default; bf16, fp16, int8 come later)");
  arguments->flag("--strict-fp32", &strict_fp32_,
                  "FP32 arithmetic without Winograd or bf16 products");
  arguments->flag("--retune", &retune_, "time again what the timing cache has");
  arguments->option("--tune-seconds", "S", &tune_seconds_,
                    "stop timing after this long; 0 = no limit");
  arguments->option("--memory", "SIZE", &memory_, "limit for weights, arena and workspace: 1GiB");
  arguments->option("--target", "NAME", &target_,
                    "CPU features: native (default), baseline, avx2, avx512 ...");
  arguments->option("--dump-graphs", "DIR", &dump_graphs_,
                    "write the graph after each stage as text");
  arguments->later(
      {"--calib-data", "--calib-cache", "--ranges", "--requantize", "--max-accuracy-drop"},
      "this version builds FP32 plans only");
  arguments->later({"--plugin"}, "this version has no custom operators");
}

void BuildFlags::declare_few(Arguments* arguments) {
  declare_tuning(arguments);
  arguments->option("--signature", "NAME", &signature_,
                    "of a SavedModel (default serving_default)");
}

void BuildFlags::declare_for_convert(Arguments* arguments) {
  declare_tuning(arguments);
  declare_target(arguments);
}

void BuildFlags::declare_all(Arguments* arguments) {
  arguments->option("--min-shapes", "SHAPES", &min_shapes_,
                    "smallest shapes: x:1x224x224x3,y:1x10");
  arguments->option("--opt-shapes", "SHAPES", &opt_shapes_, "shapes to tune for; once per profile");
  arguments->option("--max-shapes", "SHAPES", &max_shapes_, "largest shapes");
  declare_few(arguments);
  declare_target(arguments);
  arguments->flag("--portable", &portable_,
                  "keep canonical weights: the plan runs on other CPUs, too");
}

Result<BuildOptions> BuildFlags::options() const {
  BuildOptions options;
  HONE_ASSIGN_OR_RETURN(options.precision, parse_precision(precision_));
  HONE_ASSIGN_OR_RETURN(options.profiles, parse_profiles(min_shapes_, opt_shapes_, max_shapes_));
  HONE_ASSIGN_OR_RETURN(options.memory_bytes, parse_memory(memory_));
  if (threads_ < 0 || tune_seconds_ < 0) {
    return Status(Code::kInvalidArgument, "--threads and --tune-seconds must not be negative");
  }
  options.strict_fp32 = strict_fp32_;
  options.threads = threads_;
  options.tune = !no_tune_;
  options.retune = retune_;
  options.tune_seconds = tune_seconds_;
  options.timing_cache = timing_cache_;
  options.target = target_;
  options.portable = portable_;
  options.dump_graphs = dump_graphs_;
  return options;
}

}  // namespace hone::tools

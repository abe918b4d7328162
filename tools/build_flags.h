// The options of a build, for every command that builds.
#pragma once

#include <string>
#include <vector>

#include "arguments.h"
#include "hone/builder.h"
#include "hone/status.h"

namespace hone::tools {

class BuildFlags {
 public:
  // What `hone build` takes.
  void declare_all(Arguments* arguments);
  // What commands take that build only to run or compare: threads, tuning, timing cache, signature.
  void declare_few(Arguments* arguments);
  // What `hone tf convert` takes: all but shapes and signature, which it has itself.
  void declare_for_convert(Arguments* arguments);

  // Errors: kInvalidArgument, kUnsupported.
  Result<BuildOptions> options() const;
  const std::string& signature() const { return signature_; }
  int threads() const { return threads_; }

 private:
  void declare_tuning(Arguments* arguments);
  void declare_target(Arguments* arguments);

  std::string precision_ = "fp32", timing_cache_, memory_, target_ = "native", dump_graphs_,
              signature_;
  std::vector<std::string> min_shapes_, opt_shapes_, max_shapes_;
  int threads_ = 0;
  double tune_seconds_ = 0;
  bool strict_fp32_ = false, no_tune_ = false, retune_ = false, portable_ = false;
};

}  // namespace hone::tools

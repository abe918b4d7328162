// The options of `hone tf convert` and `hone tf summary`.
#pragma once

#include <string>
#include <vector>

#include "build_flags.h"
#include "hone/tensorflow.h"

namespace hone::tools {

class TensorflowFlags {
 public:
  // Which model, which segments; with `build` also what is needed to build their plans.
  void declare(Arguments* arguments, bool build);
  Result<tensorflow::ConvertOptions> options() const;

 private:
  BuildFlags build_;
  std::string signature_, tags_ = "serve";
  std::vector<std::string> opt_shapes_, denied_ops_;
  int minimum_segment_size_ = 3, maximum_engines_ = 20;
};

}  // namespace hone::tools

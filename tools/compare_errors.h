// How far a result is from the right one.
#pragma once

#include <string>

#include "base/tensor.h"
#include "hone/status.h"

namespace hone::tools {

struct OutputError {
  double max_abs = 0;
  double max_relative =
      0;  // max_abs / range of the reference (its largest magnitude if constant, else 1)
  double rms = 0;
  double range = 0;
  int64_t elements = 0;
  // The worse of both, measure by measure.
  void merge(const OutputError& other);
};

// Equal infinities and NaN on both sides are no error; on one side an infinite one. kShape: dtype
// or shape differ.
Result<OutputError> output_error(const Tensor& expected, const Tensor& actual);

}  // namespace hone::tools

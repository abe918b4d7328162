// How far a result is from the right one.
#pragma once

#include <string>

#include "base/tensor.h"
#include "hone/status.h"

namespace hone::tools {

struct OutputError {
  double max_abs = 0;
  // max_abs / range. The range is of the reference's finite elements: highest - lowest, at least
  // 1/100 of the largest magnitude; of a constant its magnitude, of zeros 1.
  double max_relative = 0;
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

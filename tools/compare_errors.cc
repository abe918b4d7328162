#include "compare_errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/dim.h"

namespace hone::tools {
namespace {

double difference(double expected, double actual) {
  if (expected == actual || (std::isnan(expected) && std::isnan(actual))) return 0;
  const double d = std::fabs(expected - actual);
  return std::isnan(d) ? INFINITY : d;
}

// Of the finite elements: what errors are relative to. At least 1/100 of the largest magnitude: in
// a tensor of nearly equal numbers the roundings of FP32 alone are a large part of the range.
double range_of(const std::vector<double>& values) {
  double low = INFINITY, high = -INFINITY;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) return 1;
  const double magnitude = std::max(std::fabs(low), std::fabs(high));
  if (low < high) return std::max(high - low, 0.01 * magnitude);
  return magnitude != 0 ? magnitude : 1;
}

}  // namespace

void OutputError::merge(const OutputError& other) {
  max_abs = std::max(max_abs, other.max_abs);
  max_relative = std::max(max_relative, other.max_relative);
  rms = std::max(rms, other.rms);
  range = std::max(range, other.range);
  elements = std::max(elements, other.elements);
}

Result<OutputError> output_error(const Tensor& expected, const Tensor& actual) {
  if (expected.dtype() != actual.dtype() || expected.shape() != actual.shape()) {
    return Status(
        Code::kShape,
        fmt::format("{}{} instead of {}{}", dtype_name(actual.dtype()), shape_text(actual.shape()),
                    dtype_name(expected.dtype()), shape_text(expected.shape())));
  }
  OutputError error;
  error.elements = expected.num_elements();
  const auto want = expected.as_doubles(), got = actual.as_doubles();
  if (!want || !got) {  // strings
    error.max_abs = error.max_relative = error.rms = expected == actual ? 0 : INFINITY;
    return error;
  }
  error.range = range_of(*want);
  double squares = 0;
  for (size_t i = 0; i < want->size(); ++i) {
    const double d = difference((*want)[i], (*got)[i]);
    error.max_abs = std::max(error.max_abs, d);
    squares += d * d;
  }
  if (!want->empty()) error.rms = std::sqrt(squares / static_cast<double>(want->size()));
  error.max_relative = error.max_abs / error.range;
  return error;
}

}  // namespace hone::tools

// Functions of the gamma family.
#include <cmath>

#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

// lgamma_r, not std::lgamma: the latter writes the sign into a global variable of the C library.
double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
float log_gamma(float x) {
  int sign;
  return lgammaf_r(x, &sign);
}

}  // namespace

std::vector<OpDef> gamma_ops() {
  return {pointwise_float_op("Lgamma", "log |gamma(x)|", [](auto x) { return log_gamma(x); })};
}

}  // namespace hone

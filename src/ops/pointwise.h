// Pointwise(x0, x1, ...): a program over broadcast inputs. See ops/program.h.
#pragma once

#include "ops/program.h"

namespace hone {

struct PointwiseAttributes {
  Program program;
  bool operator==(const PointwiseAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("program", program);
  }
};

}  // namespace hone

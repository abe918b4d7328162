// Attributes that all operators with a sliding window have.
#pragma once

#include <string>
#include <vector>

#include "importers/onnx/call.h"

namespace hone::onnx {

// "explicit", "same_upper", "same_lower" or "valid"; kModel for anything else.
std::string read_auto_pad(Call& call);

// Reads strides, dilations, pads and auto_pad into ConvAttributes or PoolAttributes. Empty lists
// mean ones (zeros) in both worlds.
template <class T>
void read_window(Call& call, T* attributes) {
  attributes->strides = call.integers("strides");
  attributes->dilations = call.integers("dilations");
  attributes->pads = call.integers("pads");
  attributes->auto_pad = read_auto_pad(call);
  // ONNX says that pads and auto_pad exclude each other; exporters write zeros.
  if (attributes->auto_pad != "explicit") attributes->pads.clear();
}

}  // namespace hone::onnx

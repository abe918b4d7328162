// What a plan's results are compared with: the reference evaluator or another runtime.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "hone/builder.h"
#include "hone/status.h"

namespace hone::tools {

struct Truth {
  std::vector<Tensor> outputs;         // in the model's order
  std::map<std::string, Tensor> taps;  // tensors inside the network, by their name in the model
};

// `taps`: names that are wanted; those that are not there are left out. `inputs` in the model's
// order.
Result<Truth> reference_truth(const Model& model, const std::vector<Tensor>& inputs,
                              const std::set<std::string>& taps);

// runtime: "onnxruntime" or "tensorflow", started as a Python process ($HONE_PYTHON, else python3).
// kInvalidArgument: the model is not of that runtime's format. kUnsupported: Python or the runtime
// is missing, or the runtime refuses the model, with its message.
Result<Truth> peer_truth(const std::string& runtime, const Model& model,
                         const std::string& signature, const std::vector<Tensor>& inputs,
                         const std::set<std::string>& taps);

}  // namespace hone::tools

// NumPy's .npy files.
#pragma once

#include <string>
#include <string_view>

#include "base/tensor.h"
#include "hone/status.h"

namespace hone::tools {

// Versions 1 to 3; Fortran order is turned into C order. Nothing is ever unpickled. Memory: the
// file's size once or twice. `name` is put in front of messages. Errors, with the byte offset:
// kModel (damaged), kUnsupported (valid, but big-endian, strings, objects, structures).
Result<Tensor> read_npy(std::string_view bytes, const std::string& name);
Result<Tensor> read_npy_file(const std::string& path);

// Version 1.0, C order. bf16, which NumPy does not have, becomes f32. kUnsupported: strings.
Result<std::string> write_npy(const Tensor& tensor);

}  // namespace hone::tools

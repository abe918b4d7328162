// TensorProto -> Tensor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/tensor.h"
#include "importers/onnx/model.h"

namespace hone::onnx {

// TensorProto.DataType as a data type; nothing for those Hone does not have (complex, float8,
// int4).
std::optional<DataType> to_dtype(int64_t elem_type);
// "FLOAT8E4M3FN (17)", for messages.
std::string elem_type_text(int64_t elem_type);

// Makes tensors of the TensorProtos of one model file. Raw data and external data stay in the
// mapped files where their alignment allows.
class TensorReader {
 public:
  explicit TensorReader(std::shared_ptr<const MappedFile> file);
  // Throws protozero::exception and ImportError: kModel, kUnsupported (dtype), kIo and kModel
  // (external data), kOutOfResources.
  Tensor read(TensorBytes bytes);

 private:
  struct ExternalData {
    std::string location;
    std::optional<uint64_t> offset, length;
  };
  struct Header;
  Header read_header(TensorBytes bytes);
  Tensor from_bytes(const Header& header, std::string_view bytes,
                    const std::shared_ptr<const MappedFile>& owner);
  Tensor read_external(const Header& header);

  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, std::shared_ptr<const MappedFile>> external_files_;
};

}  // namespace hone::onnx

// Reading protobuf wire format from foreign bytes, on top of protozero.
//
// protozero throws, and so do the functions of this folder that decode or import (ImportError):
// import_onnx and the importer of a node are the two places that catch. Nothing escapes.
#pragma once

#include <cstdint>
#include <exception>
#include <protozero/pbf_reader.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "hone/status.h"

namespace hone::onnx {

// Carries a Status to the nearest of the two places that catch.
class ImportError : public std::exception {
 public:
  explicit ImportError(Status status) : status_(std::move(status)) {}
  const char* what() const noexcept override { return status_.what().c_str(); }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

inline void throw_if_error(Status status) {
  if (!status.ok()) throw ImportError(std::move(status));
}
template <class T>
T value_or_throw(Result<T> result) {
  if (!result.ok()) throw ImportError(result.status());
  return std::move(*result);
}

// Keys for `switch (message.tag_and_type())`: a field with an unexpected wire type is then unknown
// and skipped, as protobuf does.
constexpr uint32_t varint_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
constexpr uint32_t bytes_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::length_delimited);
}
constexpr uint32_t fixed32_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t fixed64_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}

inline std::string_view get_view(protozero::pbf_reader& in) {
  const protozero::data_view view = in.get_view();
  return {view.data(), view.size()};
}

// What may be decoded from a file of `file_size` bytes: a small file must not take much memory.
class Budget {
 public:
  explicit Budget(size_t file_size)
      : left_((int64_t{64} << 20) + 16 * static_cast<int64_t>(file_size)) {}
  void charge(size_t bytes) {
    if ((left_ -= static_cast<int64_t>(bytes)) >= 0) return;
    throw ImportError(
        Status(Code::kOutOfResources, "the decoded model would be far larger than the file")
            .fix("the file looks damaged or hostile; export the model again"));
  }

 private:
  int64_t left_;
};

}  // namespace hone::onnx

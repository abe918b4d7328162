#include "node.h"

#include <algorithm>
#include <cstdlib>

namespace hone::tf_op {
namespace {

constexpr int kMaxThreads = 1024;

int clamp_threads(int64_t threads) {
  return static_cast<int>(std::clamp<int64_t>(threads, 0, kMaxThreads));
}

// The protobuf wire format, as far as a number in a top-level field needs it.
class WireReader {
 public:
  WireReader(const void* data, size_t bytes)
      : at_(static_cast<const uint8_t*>(data)), end_(at_ + bytes) {}

  bool varint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const uint8_t byte = *at_++;
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  // Skips a value of this wire type; false at the end of the data or when it is damaged.
  bool skip(int wire_type) {
    uint64_t bytes = 0;
    if (wire_type == 0) return varint(&bytes);
    if (wire_type == 1) {
      bytes = 8;
    } else if (wire_type == 5) {
      bytes = 4;
    } else if (wire_type != 2 || !varint(&bytes)) {
      return false;
    }
    if (bytes > static_cast<uint64_t>(end_ - at_)) return false;
    at_ += bytes;
    return true;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

// ConfigProto.intra_op_parallelism_threads, or 0 when it is not set.
int64_t intra_op_threads(const TF_Buffer& config) {
  constexpr uint64_t kField = 2;
  WireReader reader(config.data, config.length);
  uint64_t tag = 0;
  uint64_t value = 0;
  while (reader.varint(&tag)) {
    const int wire_type = static_cast<int>(tag & 7);
    if (tag >> 3 == kField && wire_type == 0) {
      if (!reader.varint(&value)) return 0;
      return static_cast<int32_t>(value);
    }
    if (!reader.skip(wire_type)) return 0;
  }
  return 0;
}

int64_t session_threads(TF_OpKernelContext* context) {
  const TfApi& api = tf();
  if (!api.TF_GetSerializedConfigProto || !api.TF_NewBuffer || !api.TF_DeleteBuffer) return 0;
  TfStatus status;
  TF_Buffer* buffer = api.TF_NewBuffer();
  api.TF_GetSerializedConfigProto(context, buffer, status.get());
  const int64_t threads = status.ok() ? intra_op_threads(*buffer) : 0;
  api.TF_DeleteBuffer(buffer);
  return threads;
}

// Number of elements and bytes of an attribute.
Error attr_size(TF_OpKernelConstruction* construction, const char* name, int32_t* count,
                int32_t* bytes) {
  TfStatus status;
  tf().TF_OpKernelConstruction_GetAttrSize(construction, name, count, bytes, status.get());
  return from_tensorflow(status.get());
}

}  // namespace

std::string node_name(TF_OpKernelConstruction* construction) {
  const TF_StringView name = tf().TF_OpKernelConstruction_GetName(construction);
  return std::string(name.data, name.len);
}

Error string_attr(TF_OpKernelConstruction* construction, const char* name, std::string* value) {
  int32_t count = 0;
  int32_t bytes = 0;
  if (Error error = attr_size(construction, name, &count, &bytes)) return error;
  value->assign(static_cast<size_t>(std::max(bytes, 0)), '\0');
  TfStatus status;
  tf().TF_OpKernelConstruction_GetAttrString(construction, name, value->data(), value->size(),
                                             status.get());
  return from_tensorflow(status.get());
}

Error int_attr(TF_OpKernelConstruction* construction, const char* name, int64_t* value) {
  TfStatus status;
  tf().TF_OpKernelConstruction_GetAttrInt64(construction, name, value, status.get());
  return from_tensorflow(status.get());
}

Error type_list_attr(TF_OpKernelConstruction* construction, const char* name,
                     std::vector<TfDataType>* value) {
  int32_t count = 0;
  int32_t bytes = 0;
  if (Error error = attr_size(construction, name, &count, &bytes)) return error;
  value->assign(static_cast<size_t>(std::max(count, 0)), 0);
  if (value->empty()) return {};
  TfStatus status;
  tf().TF_OpKernelConstruction_GetAttrTypeList(construction, name, value->data(), count,
                                               status.get());
  return from_tensorflow(status.get());
}

int resolve_threads(TF_OpKernelContext* context, int64_t attribute) {
  if (attribute > 0) return clamp_threads(attribute);
  const char* text = std::getenv("HONE_TF_THREADS");
  const int64_t environment = text != nullptr ? std::strtoll(text, nullptr, 10) : 0;
  if (environment > 0) return clamp_threads(environment);
  return clamp_threads(session_threads(context));
}

}  // namespace hone::tf_op

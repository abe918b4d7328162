#include "tensors.h"

#include <limits>

namespace hone::tf_op {
namespace {

constexpr DataTypePair kTypes[] = {
    {1, HN_F32, 4, "float32"},    {2, HN_F64, 8, "float64"}, {19, HN_F16, 2, "float16"},
    {14, HN_BF16, 2, "bfloat16"}, {6, HN_I8, 1, "int8"},     {5, HN_I16, 2, "int16"},
    {3, HN_I32, 4, "int32"},      {9, HN_I64, 8, "int64"},   {4, HN_U8, 1, "uint8"},
    {17, HN_U16, 2, "uint16"},    {22, HN_U32, 4, "uint32"}, {23, HN_U64, 8, "uint64"},
    {10, HN_BOOL, 1, "bool"},
};

// Where TensorFlow has no buffer for an empty tensor, any address will do.
char g_empty;

// Bytes of a tensor, or false when the shape is not one TensorFlow takes: it aborts the process on
// a negative dimension and on more than 254 of them.
bool tensor_bytes(size_t rank, const int64_t* shape, size_t element, size_t* bytes) {
  constexpr size_t kMaxRank = 254;
  if (rank > kMaxRank) return false;
  uint64_t count = 1;
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (shape[i] < 0) return false;
    if (shape[i] == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(count, static_cast<uint64_t>(shape[i]), &count) ||
               count > std::numeric_limits<int64_t>::max() / element) {
      return false;
    }
  }
  *bytes = empty ? 0 : count * element;
  return true;
}

std::string shape_text(size_t rank, const int64_t* shape) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

const DataTypePair* find_tensorflow_type(TfDataType type) {
  for (const DataTypePair& pair : kTypes) {
    if (pair.tensorflow == type) return &pair;
  }
  return nullptr;
}

const DataTypePair* find_hone_type(hn_dtype type) {
  for (const DataTypePair& pair : kTypes) {
    if (pair.hone == type) return &pair;
  }
  return nullptr;
}

std::string type_name(TfDataType type) {
  const DataTypePair* pair = find_tensorflow_type(type);
  if (pair != nullptr) return pair->name;
  constexpr TfDataType kString = 7;
  return type == kString ? "string" : "type " + std::to_string(type);
}

Error InputTensors::acquire(TF_OpKernelContext* context) {
  const int count = tf().TF_NumInputs(context);
  TfStatus status;
  size_t total_rank = 0;
  for (int i = 0; i < count; ++i) {
    TF_Tensor* handle = nullptr;
    tf().TF_GetInput(context, i, &handle, status.get());
    if (!status.ok()) return from_tensorflow(status.get());
    handles_.push_back(handle);
    total_rank += tf().TF_NumDims(handle);
  }
  dims_.reserve(total_rank);  // the tensors point into it: no move after this line
  for (TF_Tensor* handle : handles_) {
    const DataTypePair* type = find_tensorflow_type(tf().TF_TensorType(handle));
    if (type == nullptr) {
      return {kTfUnimplemented,
              "tensors of " + type_name(tf().TF_TensorType(handle)) + " cannot enter an engine"};
    }
    const int rank = tf().TF_NumDims(handle);
    const int64_t* shape = dims_.data() + dims_.size();
    for (int axis = 0; axis < rank; ++axis) dims_.push_back(tf().TF_Dim(handle, axis));
    void* data = tf().TF_TensorData(handle);
    tensors_.push_back({sizeof(hn_tensor), type->hone, static_cast<size_t>(rank), shape,
                        data != nullptr ? data : &g_empty});
  }
  return {};
}

void InputTensors::release() noexcept {
  for (TF_Tensor* handle : handles_) tf().TF_DeleteTensor(handle);
  handles_.clear();
  tensors_.clear();
  dims_.clear();
}

void OutputTensors::begin(TF_OpKernelContext* context, const std::vector<TfDataType>& types) {
  context_ = context;
  types_ = &types;
  handles_.assign(types.size(), nullptr);
  error_ = {};
}

void OutputTensors::release() noexcept {
  for (TF_Tensor* handle : handles_) {
    if (handle != nullptr) tf().TF_DeleteTensor(handle);
  }
  handles_.clear();
}

void* OutputTensors::allocate(void* self, size_t index, size_t rank, const int64_t* shape,
                              hn_dtype dtype, size_t bytes) noexcept {
  auto* outputs = static_cast<OutputTensors*>(self);
  try {
    return outputs->allocate_one(index, rank, shape, dtype, bytes);
  } catch (...) {
    outputs->error_.code = kTfResourceExhausted;  // only strings are allocated there
    return nullptr;
  }
}

void* OutputTensors::allocate_one(size_t index, size_t rank, const int64_t* shape, hn_dtype dtype,
                                  size_t bytes) {
  if (index >= handles_.size()) {
    return reject(kTfInternal, index,
                  "the node has only " + std::to_string(handles_.size()) + " outputs");
  }
  if (handles_[index] != nullptr) {  // a second TF_AllocateOutput would abort the process
    return reject(kTfInternal, index, "the engine allocated it twice");
  }
  const DataTypePair* type = find_hone_type(dtype);
  if (type == nullptr || type->tensorflow != (*types_)[index]) {
    return reject(kTfInternal, index,
                  std::string("the engine gives ") + (type ? type->name : "an unknown type") +
                      ", the node's OutT says " + type_name((*types_)[index]));
  }
  size_t expected = 0;
  if (!tensor_bytes(rank, shape, type->bytes, &expected) || expected != bytes) {
    return reject(kTfInternal, index,
                  std::to_string(bytes) + " bytes do not fit the shape " + shape_text(rank, shape) +
                      " of " + type->name);
  }
  TfStatus status;
  TF_Tensor* handle = tf().TF_AllocateOutput(context_, static_cast<int>(index), type->tensorflow,
                                             shape, static_cast<int>(rank), bytes, status.get());
  if (!status.ok() || handle == nullptr) {
    const Error error = from_tensorflow(status.get());
    return reject(error ? error.code : kTfResourceExhausted, index,
                  "no memory for the shape " + shape_text(rank, shape) + ": " + error.message);
  }
  handles_[index] = handle;
  void* data = tf().TF_TensorData(handle);
  return data != nullptr ? data : &g_empty;
}

void* OutputTensors::reject(TfCode code, size_t index, const std::string& why) {
  error_ = {code, "output " + std::to_string(index) + " of the engine: " + why};
  return nullptr;
}

int OutputTensors::missing() const {
  for (size_t i = 0; i < handles_.size(); ++i) {
    if (handles_[i] == nullptr) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace hone::tf_op

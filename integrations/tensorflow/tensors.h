// TensorFlow's data types and tensors beside Hone's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "error.h"
#include "hone/c.h"
#include "tf_c_api.h"

namespace hone::tf_op {

// One data type under both names. Strings are not here: they never enter an engine.
struct DataTypePair {
  TfDataType tensorflow;
  hn_dtype hone;
  size_t bytes;
  const char* name;
};

// nullptr where the other side has no such type.
const DataTypePair* find_tensorflow_type(TfDataType type);
const DataTypePair* find_hone_type(hn_dtype type);
// "float32", or "type 20" for what Hone does not know.
std::string type_name(TfDataType type);

// The inputs of one call: TensorFlow's own buffers, nothing is copied. Objects are kept by the
// context pool and used again, so that a call in the steady state allocates no memory of its own.
// One thread at a time.
class InputTensors {
 public:
  InputTensors() = default;
  InputTensors(const InputTensors&) = delete;
  InputTensors& operator=(const InputTensors&) = delete;
  ~InputTensors() { release(); }

  // Takes every input of the call; valid until release().
  Error acquire(TF_OpKernelContext* context);
  void release() noexcept;

  const hn_tensor* data() const { return tensors_.data(); }
  size_t size() const { return tensors_.size(); }

 private:
  std::vector<TF_Tensor*> handles_;
  std::vector<hn_tensor> tensors_;
  std::vector<int64_t> dims_;  // of all inputs, one after another
};

// The outputs of one call: memory from TensorFlow's allocator, asked for by the engine through
// allocate(), so results are written in place. One thread at a time.
class OutputTensors {
 public:
  OutputTensors() = default;
  OutputTensors(const OutputTensors&) = delete;
  OutputTensors& operator=(const OutputTensors&) = delete;
  ~OutputTensors() { release(); }

  // `types` must outlive the call.
  void begin(TF_OpKernelContext* context, const std::vector<TfDataType>& types);
  void release() noexcept;

  // The hn_allocate callback; `self` is an OutputTensors. Never throws. After it gave NULL, error()
  // says why.
  static void* allocate(void* self, size_t index, size_t rank, const int64_t* shape, hn_dtype dtype,
                        size_t bytes) noexcept;
  const Error& error() const { return error_; }
  // The index of an output that was never allocated, or -1.
  int missing() const;

 private:
  void* allocate_one(size_t index, size_t rank, const int64_t* shape, hn_dtype dtype, size_t bytes);
  void* reject(TfCode code, size_t index, const std::string& why);  // sets error_, gives nullptr

  TF_OpKernelContext* context_ = nullptr;
  const std::vector<TfDataType>* types_ = nullptr;
  std::vector<TF_Tensor*> handles_;
  Error error_;
};

}  // namespace hone::tf_op

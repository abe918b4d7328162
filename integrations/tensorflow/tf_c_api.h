// The part of TensorFlow's C ABI that the plug-in uses, declared by hand.
//
// No TensorFlow header is included and nothing of TensorFlow is linked: every function is looked up
// in the copy of TensorFlow that is already in the process. Only symbols that exist unchanged since
// TensorFlow 2.12 are required, so one binary serves 2.12 and every later 2.x.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" {
struct TF_Status;
struct TF_Tensor;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_StringView {
  const char* data;
  size_t len;
};
struct TF_Buffer {
  const void* data;
  size_t length;
  void (*data_deallocator)(void* data, size_t length);
};
}  // extern "C"

namespace hone::tf_op {

// TF_DataType and TF_Code are C enums without a fixed type, which are `int` on every Linux ABI.
using TfDataType = int;
using TfCode = int;

// The numbers of TF_Code that the plug-in uses (absl::StatusCode has the same).
constexpr TfCode kTfOk = 0, kTfCancelled = 1, kTfInvalidArgument = 3, kTfNotFound = 5,
                 kTfResourceExhausted = 8, kTfFailedPrecondition = 9, kTfUnimplemented = 12,
                 kTfInternal = 13, kTfDataLoss = 15;

using TfCreate = void* (*)(TF_OpKernelConstruction*);
using TfCompute = void (*)(void*, TF_OpKernelContext*);
using TfDelete = void (*)(void*);
using TfShapeFunction = void (*)(TF_ShapeInferenceContext*, TF_Status*);

// X(result, name, (parameters)). Without one of these the plug-in stays inert.
#define HONE_TF_REQUIRED_SYMBOLS(X)                                                           \
  X(TF_Status*, TF_NewStatus, ())                                                             \
  X(void, TF_DeleteStatus, (TF_Status*))                                                      \
  X(void, TF_SetStatus, (TF_Status*, TfCode, const char*))                                    \
  X(TfCode, TF_GetCode, (const TF_Status*))                                                   \
  X(const char*, TF_Message, (const TF_Status*))                                              \
  X(void, TF_DeleteTensor, (TF_Tensor*))                                                      \
  X(TfDataType, TF_TensorType, (const TF_Tensor*))                                            \
  X(int, TF_NumDims, (const TF_Tensor*))                                                      \
  X(int64_t, TF_Dim, (const TF_Tensor*, int))                                                 \
  X(int64_t, TF_TensorElementCount, (const TF_Tensor*))                                       \
  X(void*, TF_TensorData, (const TF_Tensor*))                                                 \
  X(const char*, TF_StringGetDataPointer, (const void*))                                      \
  X(size_t, TF_StringGetSize, (const void*))                                                  \
  X(TF_KernelBuilder*, TF_NewKernelBuilder,                                                   \
    (const char* op, const char* device, TfCreate, TfCompute, TfDelete))                      \
  X(void, TF_RegisterKernelBuilder, (const char*, TF_KernelBuilder*, TF_Status*))             \
  X(int, TF_NumInputs, (TF_OpKernelContext*))                                                 \
  X(int, TF_NumOutputs, (TF_OpKernelContext*))                                                \
  X(void, TF_GetInput, (TF_OpKernelContext*, int, TF_Tensor**, TF_Status*))                   \
  X(TF_Tensor*, TF_AllocateOutput,                                                            \
    (TF_OpKernelContext*, int index, TfDataType, const int64_t* dims, int rank, size_t bytes, \
     TF_Status*))                                                                             \
  X(void, TF_OpKernelConstruction_Failure, (TF_OpKernelConstruction*, TF_Status*))            \
  X(void, TF_OpKernelContext_Failure, (TF_OpKernelContext*, TF_Status*))                      \
  X(TF_StringView, TF_OpKernelConstruction_GetName, (TF_OpKernelConstruction*))               \
  X(void, TF_OpKernelConstruction_GetAttrSize,                                                \
    (TF_OpKernelConstruction*, const char*, int32_t* list_size, int32_t* bytes, TF_Status*))  \
  X(void, TF_OpKernelConstruction_GetAttrString,                                              \
    (TF_OpKernelConstruction*, const char*, char*, size_t, TF_Status*))                       \
  X(void, TF_OpKernelConstruction_GetAttrInt64,                                               \
    (TF_OpKernelConstruction*, const char*, int64_t*, TF_Status*))                            \
  X(void, TF_OpKernelConstruction_GetAttrTypeList,                                            \
    (TF_OpKernelConstruction*, const char*, TfDataType*, int, TF_Status*))                    \
  X(TF_OpDefinitionBuilder*, TF_NewOpDefinitionBuilder, (const char*))                        \
  X(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder*, TF_Status*))                     \
  X(void, TF_OpDefinitionBuilderAddAttr, (TF_OpDefinitionBuilder*, const char*))              \
  X(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder*, const char*))             \
  X(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder*, const char*))            \
  X(void, TF_OpDefinitionBuilderSetIsStateful, (TF_OpDefinitionBuilder*, bool))               \
  X(void, TF_OpDefinitionBuilderSetShapeInferenceFunction,                                    \
    (TF_OpDefinitionBuilder*, TfShapeFunction))                                               \
  X(void, TF_ShapeInferenceContextSetUnknownShape, (TF_ShapeInferenceContext*, TF_Status*))

// Used when present: the guard against a second copy of the plug-in, and the session's thread
// count.
#define HONE_TF_OPTIONAL_SYMBOLS(X)                                                   \
  X(TF_Buffer*, TF_GetRegisteredKernelsForOp, (const char*, TF_Status*))              \
  X(TF_Buffer*, TF_NewBuffer, ())                                                     \
  X(void, TF_DeleteBuffer, (TF_Buffer*))                                              \
  X(void, TF_GetSerializedConfigProto, (TF_OpKernelContext*, TF_Buffer*, TF_Status*)) \
  X(const char*, TF_Version, ())

struct TfApi {
#define HONE_TF_DECLARE(result, name, parameters) result(*name) parameters = nullptr;
  HONE_TF_REQUIRED_SYMBOLS(HONE_TF_DECLARE)
  HONE_TF_OPTIONAL_SYMBOLS(HONE_TF_DECLARE)
#undef HONE_TF_DECLARE
};

enum class TfLookup {
  kAbsent,      // no TensorFlow in this process (yet)
  kIncomplete,  // a TensorFlow that lacks a required symbol
  kReady,       // tf() may be used
};

// Fills the table behind tf(). `missing` names the first required symbol that was not found.
// Not thread-safe: registration calls it under its own lock.
TfLookup find_tensorflow(std::string* missing);

// The table. Every kernel callback may use it: they run only after find_tensorflow gave kReady.
const TfApi& tf();

}  // namespace hone::tf_op

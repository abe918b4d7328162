#include "error.h"

#include <new>

namespace hone::tf_op {
namespace {

void fail(TF_OpKernelConstruction* target, TF_Status* status) {
  tf().TF_OpKernelConstruction_Failure(target, status);
}

void fail(TF_OpKernelContext* target, TF_Status* status) {
  tf().TF_OpKernelContext_Failure(target, status);
}

template <typename Target>
void report_to(Target* target, const Error& error) {
  if (!error) return;
  TfStatus status;
  status.set(error);
  fail(target, status.get());
}

template <typename Target>
void report_exception_to(Target* target) noexcept {
  TF_Status* status = tf().TF_NewStatus();
  try {
    throw;
  } catch (const std::bad_alloc&) {
    tf().TF_SetStatus(status, kTfResourceExhausted, "Hone: out of memory in the TensorFlow op");
  } catch (...) {
    tf().TF_SetStatus(status, kTfInternal, "Hone: unexpected exception in the TensorFlow op");
  }
  fail(target, status);
  tf().TF_DeleteStatus(status);
}

}  // namespace

TfCode to_tf_code(hn_code code) {
  switch (code) {
    case HN_OK:
      return kTfOk;
    case HN_INVALID_ARGUMENT:
      return kTfInvalidArgument;
    case HN_MODEL:
      return kTfInvalidArgument;
    case HN_UNSUPPORTED:
      return kTfUnimplemented;
    case HN_PLAN:
      return kTfDataLoss;
    case HN_SHAPE:
      return kTfInvalidArgument;
    case HN_DEVICE:
      return kTfFailedPrecondition;
    case HN_OUT_OF_RESOURCES:
      return kTfResourceExhausted;
    case HN_IO:
      return kTfNotFound;
    case HN_CANCELLED:
      return kTfCancelled;
    case HN_INTERNAL:
      return kTfInternal;
  }
  return kTfInternal;
}

Error from_hone(hn_status* status) {
  if (status == nullptr) return {};
  const char* message = hn_status_message(status);
  Error error{to_tf_code(hn_status_code(status)), message ? message : ""};
  if (!error) error.code = kTfInternal;  // a status object is an error, whatever its code says
  hn_status_free(status);
  return error;
}

Error from_tensorflow(const TF_Status* status) {
  return {tf().TF_GetCode(status), tf().TF_Message(status)};
}

void report(TF_OpKernelConstruction* construction, const Error& error) {
  report_to(construction, error);
}
void report(TF_OpKernelContext* context, const Error& error) { report_to(context, error); }
void report_exception(TF_OpKernelConstruction* construction) noexcept {
  report_exception_to(construction);
}
void report_exception(TF_OpKernelContext* context) noexcept { report_exception_to(context); }

}  // namespace hone::tf_op

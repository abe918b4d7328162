// Errors of the plug-in and the owners of TensorFlow's C handles.
#pragma once

#include <string>

#include "hone/c.h"
#include "tf_c_api.h"

namespace hone::tf_op {

// What went wrong, in TensorFlow's codes. Default-constructed: nothing did.
struct Error {
  TfCode code = kTfOk;
  std::string message;
  explicit operator bool() const { return code != kTfOk; }
};

// Takes (and frees) what a hn_* function returned.
Error from_hone(hn_status* status);
// The same for a status of TensorFlow, which stays the caller's.
Error from_tensorflow(const TF_Status* status);
// TensorFlow's code for one of Hone's.
TfCode to_tf_code(hn_code code);

class TfStatus {
 public:
  TfStatus() : status_(tf().TF_NewStatus()) {}
  ~TfStatus() { tf().TF_DeleteStatus(status_); }
  TfStatus(const TfStatus&) = delete;
  TfStatus& operator=(const TfStatus&) = delete;

  TF_Status* get() const { return status_; }
  bool ok() const { return tf().TF_GetCode(status_) == kTfOk; }
  void set(const Error& error) { tf().TF_SetStatus(status_, error.code, error.message.c_str()); }

 private:
  TF_Status* status_;
};

// Makes the node fail with `error`; does nothing when there is none.
void report(TF_OpKernelConstruction* construction, const Error& error);
void report(TF_OpKernelContext* context, const Error& error);
// The same for the exception that is being handled. Allocates nothing of its own.
void report_exception(TF_OpKernelConstruction* construction) noexcept;
void report_exception(TF_OpKernelContext* context) noexcept;

// Runs `body`, which returns an Error, and reports that or what it threw: nothing leaves the op as
// an exception, since TensorFlow's C ABI has no way to carry one.
template <typename Target, typename Body>
void guarded(Target* target, Body body) noexcept {
  try {
    report(target, body());
  } catch (...) {
    report_exception(target);
  }
}

}  // namespace hone::tf_op

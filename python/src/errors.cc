// hone::Error -> hone.Error and its subclasses, which hone/_errors.py defines.
#include <algorithm>

#include "bindings.h"

namespace hone::python {
namespace {

// The value of `.code` in Python: stable, unlike code_name(), which is for messages.
const char* code_id(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kModel:
      return "model";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kPlan:
      return "plan";
    case Code::kShape:
      return "shape";
    case Code::kDevice:
      return "device";
    case Code::kOutOfResources:
      return "out_of_resources";
    case Code::kIo:
      return "io";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

// File names and node names are bytes of any kind; an error must be printable all the same.
nb::object text(const std::string& utf8) {
  return nb::steal(
      PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), "replace"));
}

void translate(const std::exception_ptr& exception, void*) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    const Status& status = error.status();
    try {
      const nb::object make = nb::module_::import_("hone._errors").attr("make_error");
      const nb::object made =
          make(code_id(status.code()), text(status.message()), text(status.what()),
               text(status.where()), text(status.cause()), text(status.fix_hint()));
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
    } catch (nb::python_error& failure) {
      failure.restore();
    }
  }
}

}  // namespace

void bind_errors(nb::module_&) { nb::register_exception_translator(translate); }

nb::bytes to_bytes(const std::string& text) { return nb::bytes(text.data(), text.size()); }

bool ProgressRelay::report(std::string_view stage, double fraction, std::string_view message) {
  nb::gil_scoped_acquire gil;
  if (error_.is_valid()) return false;
  try {
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (callback_.is_none()) return true;
    // Alternatives of the graph are tuned one after the other, each from 0: show no step back.
    fraction_ = std::max(fraction_, fraction);
    const nb::object answer = callback_(nb::str(stage.data(), stage.size()), fraction_,
                                        nb::str(message.data(), message.size()));
    return !answer.is(Py_False);
  } catch (nb::python_error& error) {
    error_ = nb::borrow(error.value());
    return false;
  }
}

void ProgressRelay::rethrow() {
  if (!error_.is_valid()) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error_.ptr())), error_.ptr());
  throw nb::python_error();
}

}  // namespace hone::python

// Errors as values. Every call that touches foreign data or a device returns Status or Result<T>;
// nothing in the public API aborts. `.value()` on a failed Result throws hone::Error.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#define HONE_API [[gnu::visibility("default")]]

namespace hone {

enum class Code {
  kOk = 0,
  kInvalidArgument,  // wrong use of the API: names, options, missing arguments
  kModel,            // the model file is damaged, of a wrong format, or inconsistent
  kUnsupported,      // the file is valid; Hone cannot do this (operator, attribute, version)
  kPlan,             // a plan file is damaged or does not fit this machine
  kShape,            // shapes, dtypes or names given at run time do not fit
  kDevice,           // a missing CPU feature, a GPU or a driver
  kOutOfResources,   // a memory or size bound was hit
  kIo,               // a file cannot be opened, read or written
  kCancelled,        // the progress callback or a signal stopped the call
  kInternal,         // our own bug; please report
};

// "model error", "unsupported" ...: the words used in messages.
HONE_API const char* code_name(Code code);

// Cheap when OK (one pointer-sized check), complete when not. Value type; thread-compatible.
class [[nodiscard, gnu::visibility("default")]] Status {
 public:
  Status() = default;  // OK
  // `what`: one sentence saying what went wrong, starting lower-case, without a final stop.
  Status(Code code, std::string what) : code_(code), what_(std::move(what)) {}

  // Adds where it happened ("model.onnx: node 'conv1/Conv2D'"); outer calls prepend their own part.
  Status&& at(std::string where)&&;
  // Adds why, if that is not obvious from `what`.
  Status&& because(std::string cause)&&;
  // Adds what the user can do about it.
  Status&& fix(std::string fix)&&;

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& what() const { return what_; }
  const std::string& where() const { return where_; }
  const std::string& cause() const { return cause_; }
  const std::string& fix_hint() const { return fix_; }
  // "where: what (because cause). Fix: fix"
  std::string message() const;

 private:
  Code code_ = Code::kOk;
  std::string what_, where_, cause_, fix_;
};

inline Status ok() { return {}; }

// What Result::value() throws. Python and C++ users see this; nothing inside the library throws it.
class HONE_API Error : public std::runtime_error {
 public:
  explicit Error(Status status)
      : std::runtime_error(status.message()), status_(std::move(status)) {}
  const Status& status() const { return status_; }

 private:
  Status status_;
};

// A T or a Status that is not OK.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    if (status_.ok()) status_ = Status(Code::kInternal, "Result made from an OK status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // The value, or throws Error.
  T& value() & { return check(), *value_; }
  const T& value() const& { return check(), *value_; }
  T&& value() && { return check(), std::move(*value_); }
  // REQUIRES: ok().
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  void check() const {
    if (!value_) throw Error(status_);
  }
  std::optional<T> value_;
  Status status_;
};

}  // namespace hone

#define HONE_CONCAT_(a, b) a##b
#define HONE_CONCAT(a, b) HONE_CONCAT_(a, b)
// Returns from the calling function when `expr` (a Status) is not OK.
#define HONE_RETURN_IF_ERROR(expr)                                           \
  do {                                                                       \
    if (auto hone_status_ = (expr); !hone_status_.ok()) return hone_status_; \
  } while (false)
// HONE_ASSIGN_OR_RETURN(auto x, f()): x = the value of the Result, or returns its status.
#define HONE_ASSIGN_OR_RETURN(lhs, expr) \
  HONE_ASSIGN_OR_RETURN_(HONE_CONCAT(hone_result_, __LINE__), lhs, expr)
#define HONE_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                           \
  if (!tmp.ok()) return tmp.status();          \
  lhs = std::move(*tmp)

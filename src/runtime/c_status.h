// Status <-> hn_status for the files that implement hone/c.h.
#pragma once

#include "hone/c.h"
#include "hone/status.h"

struct hn_status {
  hone::Status status;
  std::string message;
};

namespace hone {

inline hn_status* to_c(Status status) {
  if (status.ok()) return nullptr;
  std::string message = status.message();
  return new hn_status{std::move(status), std::move(message)};
}

// Runs `body` (returning Status), turning what a library below may throw (std::bad_alloc) into
// errors.
template <class F>
hn_status* guard(F&& body) noexcept {
  try {
    return to_c(body());
  } catch (const Error& error) {
    return to_c(error.status());
  } catch (const std::bad_alloc&) {
    return to_c(Status(Code::kOutOfResources, "out of memory"));
  } catch (const std::exception& error) {
    return to_c(Status(Code::kInternal, error.what()));
  }
}

// A field of a struct of the caller, or `fallback` where the caller's struct is too old to have it.
#define HONE_C_FIELD(options, type, field, fallback)                                       \
  ((options) && (options)->struct_size >= offsetof(type, field) + sizeof((options)->field) \
       ? (options)->field                                                                  \
       : (fallback))

}  // namespace hone

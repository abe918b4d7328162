#include "hone/status.h"

#include <cstdio>
#include <cstdlib>

#include "base/check.h"

namespace hone {

const char* code_name(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kModel:
      return "model error";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kPlan:
      return "plan error";
    case Code::kShape:
      return "shape error";
    case Code::kDevice:
      return "device error";
    case Code::kOutOfResources:
      return "out of resources";
    case Code::kIo:
      return "file error";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal error";
  }
  return "unknown";
}

Status&& Status::at(std::string where) && {
  where_ = where_.empty() ? std::move(where) : where + ": " + where_;
  return std::move(*this);
}

Status&& Status::because(std::string cause) && {
  cause_ = std::move(cause);
  return std::move(*this);
}

Status&& Status::fix(std::string fix) && {
  fix_ = std::move(fix);
  return std::move(*this);
}

std::string Status::message() const {
  std::string text;
  if (!where_.empty()) text += where_ + ": ";
  text += what_;
  if (!cause_.empty()) text += " (because " + cause_ + ")";
  if (!fix_.empty()) text += ". Fix: " + fix_;
  return text;
}

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "hone: internal error: %s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace hone

#include "exit_code.h"

namespace hone::tools {

int exit_code(Code code) {
  switch (code) {
    case Code::kOk:
      return kExitGood;
    case Code::kInvalidArgument:
      return kExitUsage;
    case Code::kModel:
    case Code::kPlan:
    case Code::kIo:
      return kExitBadFile;
    case Code::kUnsupported:
    case Code::kDevice:
      return kExitUnsupported;
    case Code::kOutOfResources:
      return kExitResources;
    case Code::kCancelled:
      return kExitInterrupted;
    case Code::kShape:
    case Code::kInternal:
      return kExitFailed;
  }
  return kExitFailed;
}

}  // namespace hone::tools

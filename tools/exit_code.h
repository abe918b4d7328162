// Exit codes of the command, and which error gives which.
#pragma once

#include "hone/status.h"

namespace hone::tools {

inline constexpr int kExitGood = 0;
inline constexpr int kExitFailed = 1;         // the comparison or run failed
inline constexpr int kExitUsage = 2;          // wrong use
inline constexpr int kExitBadFile = 3;        // bad input file
inline constexpr int kExitUnsupported = 4;    // valid, but Hone or this machine cannot do it
inline constexpr int kExitResources = 5;      // out of resources
inline constexpr int kExitInterrupted = 130;  // what shells give for a program ended by Ctrl-C
inline constexpr int kExitPipe = 141;         // and for one whose reader went away: SIGPIPE

int exit_code(Code code);

}  // namespace hone::tools

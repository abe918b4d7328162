// Ctrl-C (SIGINT) and SIGTERM while the command runs.
#pragma once

#include <csignal>

namespace hone::tools {

// For the life of the object signals are ours; afterwards as before. Normally a signal ends the
// process at once with exit code 130. Within a GracefulInterrupt scope it sets interrupted(), so
// that the work can stop by itself; the process ends anyway 0.8 s later: Ctrl-C shall work within a
// second even where one layer is being timed for long.
class InterruptHandler {
 public:
  InterruptHandler();
  ~InterruptHandler();
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  struct sigaction old_int_ = {}, old_term_ = {}, old_alarm_ = {};
};

class GracefulInterrupt {
 public:
  GracefulInterrupt();
  ~GracefulInterrupt();
  GracefulInterrupt(const GracefulInterrupt&) = delete;
  GracefulInterrupt& operator=(const GracefulInterrupt&) = delete;
  static bool interrupted();
};

// Signals wait until the end of the scope: for writing results, which must be whole or not there. A
// flag and not a signal mask, for the signal may come to any thread of the pool.
class UninterruptedWrite {
 public:
  UninterruptedWrite();
  ~UninterruptedWrite();  // ends the process if a signal came
  UninterruptedWrite(const UninterruptedWrite&) = delete;
  UninterruptedWrite& operator=(const UninterruptedWrite&) = delete;
};

}  // namespace hone::tools

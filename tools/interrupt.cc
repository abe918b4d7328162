#include "interrupt.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>

#include "exit_code.h"

namespace hone::tools {
namespace {

std::atomic<bool> graceful = false, was_interrupted = false;
std::atomic<bool> writing = false, came_while_writing = false;
constexpr int kGraceMicroseconds = 800'000;

// Only what is allowed in signal handlers: write, setitimer, _exit, lock-free atomics.
void stop_now() {
  const char text[] = "\nhone: interrupted\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(kExitInterrupted);
}

extern "C" void on_stop_signal(int) {
  if (writing.load()) {
    came_while_writing = true;
    return;
  }
  // The second Ctrl-C does not wait.
  if (!graceful.load() || was_interrupted.exchange(true)) stop_now();
  itimerval timer = {};
  timer.it_value.tv_usec = kGraceMicroseconds;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

extern "C" void on_alarm(int) {
  if (graceful.load() && !writing.load()) stop_now();
}

void install(int signal, void (*handler)(int), struct sigaction* old) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, old);
}

}  // namespace

InterruptHandler::InterruptHandler() {
  install(SIGINT, on_stop_signal, &old_int_);
  install(SIGTERM, on_stop_signal, &old_term_);
  install(SIGALRM, on_alarm, &old_alarm_);
  // Shells start background jobs with SIGINT ignored; that wish stays.
  if (old_int_.sa_handler == SIG_IGN) ::sigaction(SIGINT, &old_int_, nullptr);
}

InterruptHandler::~InterruptHandler() {
  ::sigaction(SIGINT, &old_int_, nullptr);
  ::sigaction(SIGTERM, &old_term_, nullptr);
  ::sigaction(SIGALRM, &old_alarm_, nullptr);
}

GracefulInterrupt::GracefulInterrupt() {
  was_interrupted = false;
  graceful = true;
}

GracefulInterrupt::~GracefulInterrupt() {
  graceful = false;
  const itimerval off = {};
  ::setitimer(ITIMER_REAL, &off, nullptr);
}

bool GracefulInterrupt::interrupted() { return was_interrupted.load(); }

UninterruptedWrite::UninterruptedWrite() { writing = true; }

UninterruptedWrite::~UninterruptedWrite() {
  writing = false;
  if (came_while_writing.load()) stop_now();
}

}  // namespace hone::tools

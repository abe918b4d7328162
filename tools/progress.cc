#include "progress.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/text.h"
#include "console.h"
#include "interrupt.h"

namespace hone::tools {
namespace {

constexpr int kBarWidth = 24;
constexpr size_t kMessageWidth = 38;  // with bar and stage fits 80 columns
constexpr std::chrono::milliseconds kRedraw{50};

struct State {
  double fraction = 0;  // never goes back: the tuner goes over the steps once per alternative
  std::string stage;
  std::chrono::steady_clock::time_point drawn;
};

std::string bar(const State& state, std::string_view message) {
  const auto full = static_cast<size_t>(state.fraction * kBarWidth);
  return fmt::format("[{}{}] {:3.0f}% {} {}", std::string(full, '#'),
                     std::string(kBarWidth - full, '.'), state.fraction * 100, state.stage,
                     shortened(printable(message), kMessageWidth));
}

void show(State* state, std::string_view stage, double fraction, std::string_view message) {
  const bool new_stage = stage != state->stage;
  state->stage = stage;
  state->fraction = std::clamp(fraction, state->fraction, 1.0);
  if (!stderr_is_terminal()) {
    if (new_stage) log_info("{} {}", stage, printable(message));
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (stage == "done") return draw_status_line("");
  if (!new_stage && now - state->drawn < kRedraw) return;
  state->drawn = now;
  draw_status_line(bar(*state, message));
}

}  // namespace

Progress progress_bar() {
  auto state = std::make_shared<State>();
  return [state](std::string_view stage, double fraction, std::string_view message) {
    show(state.get(), stage, fraction, message);
    return !GracefulInterrupt::interrupted();
  };
}

}  // namespace hone::tools

#include "bench_stream.h"

#include "inputs.h"

namespace hone::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kWarmUpRuns = 2;

}  // namespace

Stream::Stream(const Engine& engine, const std::vector<Tensor>& inputs)
    : context_(engine.create_context()),
      views_(views_of(inputs)),
      outputs_(engine.outputs().size()) {}

Status Stream::run() {
  return context_.run(
      views_, [this](size_t i, const std::vector<int64_t>&, DataType, size_t bytes) -> void* {
        if (outputs_[i].size() < bytes + 1) outputs_[i].resize(bytes + 1);
        return outputs_[i].data();
      });
}

Status Stream::warm_up(double seconds) {
  const auto begin = Clock::now();
  for (int i = 0; i < kWarmUpRuns || seconds_since(begin) < seconds; ++i)
    HONE_RETURN_IF_ERROR(run());
  return ok();
}

void Stream::measure(double seconds, std::atomic<bool>* stop) {
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    status_ = run();
    milliseconds_.push_back(seconds_since(start) * 1e3);
    if (!status_.ok()) *stop = true;
  } while (!*stop && seconds_since(begin) < seconds);
}

}  // namespace hone::tools

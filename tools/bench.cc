// hone bench: latency, throughput, and where the time goes.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>

#include "arguments.h"
#include "base/dim.h"
#include "base/file.h"
#include "bench_statistics.h"
#include "build_flags.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "inputs.h"
#include "interrupt.h"
#include "json.h"
#include "load.h"
#include "runtime/engine_impl.h"

namespace hone::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExamples =
    "  hone bench model.plan\n"
    "  hone bench model.onnx --batch 8 --threads 2 --duration 10s\n"
    "  hone bench model.plan --profile --trace trace.json\n"
    "  hone bench model.plan --streams 4 --json result.json\n";
constexpr int kWarmUpRuns = 2;  // the first binds shapes and touches all memory
constexpr int kProfileRuns = 5;
constexpr int kBindRuns = 5;
constexpr int kMaxStreams = 256;

struct BenchOptions {
  std::string file, duration = "5s", warm_up = "200ms", shapes, trace, json;
  int batch = 0, streams = 1;
  bool profile = false;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One caller: a context, inputs, and output memory that is reused, so that only the engine is
// measured.
class Stream {
 public:
  Stream(const Engine& engine, const std::vector<Tensor>& inputs)
      : context_(engine.create_context()),
        views_(views_of(inputs)),
        outputs_(engine.outputs().size()) {}

  Status run() {
    return context_.run(
        views_, [this](size_t i, const std::vector<int64_t>&, DataType, size_t bytes) -> void* {
          if (outputs_[i].size() < bytes + 1) outputs_[i].resize(bytes + 1);
          return outputs_[i].data();
        });
  }
  Status warm_up(double seconds) {
    const auto begin = Clock::now();
    for (int i = 0; i < kWarmUpRuns || seconds_since(begin) < seconds; ++i)
      HONE_RETURN_IF_ERROR(run());
    return ok();
  }
  // At least one run; stops early when another stream has failed.
  void measure(double seconds, std::atomic<bool>* stop) {
    const auto begin = Clock::now();
    do {
      const auto start = Clock::now();
      status_ = run();
      milliseconds_.push_back(seconds_since(start) * 1e3);
      if (!status_.ok()) *stop = true;
    } while (!*stop && seconds_since(begin) < seconds);
  }

  const Status& status() const { return status_; }
  const std::vector<double>& milliseconds() const { return milliseconds_; }
  ExecutionContext& context() { return context_; }
  const std::vector<TensorView>& views() const { return views_; }

 private:
  ExecutionContext context_;
  std::vector<TensorView> views_;
  std::vector<std::vector<std::byte>> outputs_;
  std::vector<double> milliseconds_;
  Status status_;
};

Result<LatencyStatistics> measure(std::vector<std::unique_ptr<Stream>>* streams, double seconds) {
  std::atomic<bool> stop = false;
  const auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (size_t i = 1; i < streams->size(); ++i) {
    threads.emplace_back([&, i] { (*streams)[i]->measure(seconds, &stop); });
  }
  (*streams)[0]->measure(seconds, &stop);
  for (std::thread& thread : threads) thread.join();
  const double wall = seconds_since(begin);
  std::vector<double> all;
  for (const auto& stream : *streams) {
    HONE_RETURN_IF_ERROR(stream->status());
    all.insert(all.end(), stream->milliseconds().begin(), stream->milliseconds().end());
  }
  return latency_statistics(std::move(all), wall);
}

// What the first run of a shape takes before it begins: the smallest of some times.
Result<double> bind_milliseconds(const Engine& engine,
                                 const std::vector<std::vector<int64_t>>& shapes) {
  double best = INFINITY;
  for (int i = 0; i < kBindRuns; ++i) {
    const auto begin = Clock::now();
    HONE_RETURN_IF_ERROR(Binding::make(engine.impl()->plan, shapes).status());
    best = std::min(best, seconds_since(begin) * 1e3);
  }
  return best;
}

// Each step's median over some runs: a single one has outliers.
Result<std::vector<StepProfile>> profile_steps(Stream* stream) {
  std::vector<std::vector<double>> times;
  std::vector<StepProfile> profile;
  for (int run = 0; run < kProfileRuns; ++run) {
    HONE_ASSIGN_OR_RETURN(profile, stream->context().profile(stream->views()));
    times.resize(profile.size());
    for (size_t i = 0; i < profile.size(); ++i) times[i].push_back(profile[i].milliseconds);
  }
  for (size_t i = 0; i < profile.size(); ++i) {
    std::sort(times[i].begin(), times[i].end());
    profile[i].milliseconds = times[i][times[i].size() / 2];
  }
  return profile;
}

double sum_of_milliseconds(const std::vector<StepProfile>& profile) {
  double sum = 0;
  for (const StepProfile& step : profile) sum += step.milliseconds;
  return sum;
}

double gflops(double gflop, double milliseconds) {
  return milliseconds > 0 ? gflop / milliseconds * 1e3 : 0;
}

std::string profile_table(const std::vector<StepProfile>& profile) {
  const double total = sum_of_milliseconds(profile);
  Table table({"layer", "operator", "tactic", ">ms", ">%", ">GFLOP/s"});
  for (const StepProfile& step : profile) {
    table.add_row(
        {shortened(step.name, 48), step.op, step.tactic, fmt::format("{:.4f}", step.milliseconds),
         fmt::format("{:.1f}", total > 0 ? step.milliseconds / total * 100 : 0),
         step.gflop > 0 ? fmt::format("{:.1f}", gflops(step.gflop, step.milliseconds)) : "-"});
  }
  return table.text() + fmt::format("sum of {} steps: {:.4f} ms\n", profile.size(), total);
}

Json profile_json(const std::vector<StepProfile>& profile) {
  Json json = Json::array();
  for (const StepProfile& step : profile) {
    json.push_back({{"name", step.name},
                    {"op", step.op},
                    {"tactic", step.tactic},
                    {"milliseconds", step.milliseconds},
                    {"gflop", step.gflop}});
  }
  return json;
}

// One run in the format of chrome://tracing and Perfetto; times in microseconds.
Json trace_json(const std::vector<StepProfile>& profile) {
  Json events = Json::array();
  double start = 0;
  for (const StepProfile& step : profile) {
    events.push_back({{"name", step.name},
                      {"cat", step.op},
                      {"ph", "X"},
                      {"ts", start},
                      {"dur", step.milliseconds * 1e3},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", {{"tactic", step.tactic}, {"gflop", step.gflop}}}});
    start += step.milliseconds * 1e3;
  }
  return {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
}

struct Report {
  std::vector<std::vector<int64_t>> shapes;
  int64_t batch = 1;  // inferences per run
  int threads = 1;
  int streams = 1;
  double gflop = 0;  // per run
  double bind_milliseconds = 0;
  LatencyStatistics latency;
  std::vector<StepProfile> profile;
};

std::string report_text(const Engine& engine, const Report& report, bool with_profile) {
  std::string text;
  for (size_t i = 0; i < report.shapes.size(); ++i) {
    text += fmt::format("input {}: {}{}\n", engine.inputs()[i].name,
                        dtype_name(engine.inputs()[i].dtype), shape_text(report.shapes[i]));
  }
  const LatencyStatistics& l = report.latency;
  text +=
      fmt::format("{} runs, {} stream{}, {} thread{}\n", l.runs, report.streams,
                  report.streams == 1 ? "" : "s", report.threads, report.threads == 1 ? "" : "s");
  text += fmt::format("latency ms: min {:.3f}  p50 {:.3f}  p90 {:.3f}  p99 {:.3f}  mean {:.3f}\n",
                      l.min, l.p50, l.p90, l.p99, l.mean);
  text += fmt::format("throughput: {:.1f} inferences/s",
                      l.runs_per_second * static_cast<double>(report.batch));
  if (report.gflop > 0) text += fmt::format(", {:.1f} GFLOP/s", report.gflop * l.runs_per_second);
  text += fmt::format("\nbinding a new shape: {:.3f} ms\n", report.bind_milliseconds);
  return with_profile ? text + "\n" + profile_table(report.profile) : text;
}

Json report_json(const BenchOptions& options, const Engine& engine, const Report& report) {
  Json inputs = Json::array();
  for (size_t i = 0; i < report.shapes.size(); ++i) {
    inputs.push_back({{"name", engine.inputs()[i].name},
                      {"dtype", dtype_name(engine.inputs()[i].dtype)},
                      {"shape", report.shapes[i]}});
  }
  const LatencyStatistics& l = report.latency;
  Json json = {{"file", options.file},
               {"inputs", inputs},
               {"threads", report.threads},
               {"streams", report.streams},
               {"runs", l.runs},
               {"latency_ms",
                {{"min", l.min}, {"p50", l.p50}, {"p90", l.p90}, {"p99", l.p99}, {"mean", l.mean}}},
               {"inferences_per_second", l.runs_per_second * static_cast<double>(report.batch)},
               {"bind_ms", report.bind_milliseconds},
               {"gflop_per_run", report.gflop},
               {"gflops", report.gflop * l.runs_per_second}};
  if (options.profile) json["steps"] = profile_json(report.profile);
  return json;
}

Result<Report> run_benchmark(const BenchOptions& options, const Engine& engine, double duration,
                             double warm_up) {
  Report report;
  ShapeWish wish;
  wish.batch = options.batch;
  if (!options.shapes.empty()) {
    HONE_ASSIGN_OR_RETURN(wish.shapes, parse_shapes(options.shapes));
  }
  HONE_ASSIGN_OR_RETURN(report.shapes, choose_shapes(engine, wish));
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, random_inputs(engine, report.shapes, 0));
  if (!report.shapes.empty() && !report.shapes[0].empty()) report.batch = report.shapes[0][0];
  report.streams = options.streams;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::make_unique<Stream>(engine, inputs));
    HONE_RETURN_IF_ERROR(streams.back()->warm_up(i == 0 ? warm_up : 0));
  }
  HONE_ASSIGN_OR_RETURN(report.latency, measure(&streams, duration));
  HONE_ASSIGN_OR_RETURN(report.bind_milliseconds, bind_milliseconds(engine, report.shapes));
  HONE_ASSIGN_OR_RETURN(report.profile, profile_steps(streams[0].get()));
  for (const StepProfile& step : report.profile) report.gflop += step.gflop;
  if (!options.trace.empty()) {
    HONE_ASSIGN_OR_RETURN(const auto one, streams[0]->context().profile(streams[0]->views()));
    const UninterruptedWrite whole;
    HONE_RETURN_IF_ERROR(write_file_atomically(options.trace, json_text(trace_json(one))));
  }
  return report;
}

void declare(BenchOptions* options, BuildFlags* flags, Arguments* arguments) {
  arguments->positional("FILE", &options->file, "plan, or model (built and tuned first)");
  arguments->option("--batch", "N", &options->batch, "dimension 0 of every input");
  arguments->option("--shapes", "SHAPES", &options->shapes, "input shapes: x:1x224x224x3,y:1x10");
  arguments->option("--duration", "TIME", &options->duration,
                    "how long to measure: 5s (default), 500ms");
  arguments->option("--warm-up", "TIME", &options->warm_up, "before that: 200ms (default)");
  arguments->option("--streams", "N", &options->streams,
                    "callers at the same time, each with a context");
  arguments->flag("--profile", &options->profile, "time of each step");
  arguments->option("--trace", "FILE", &options->trace, "one run as a Chrome trace (JSON)");
  arguments->option("--json", "FILE", &options->json,
                    "results as JSON; - for stdout instead of text");
  arguments->later({"--vs"}, "other runtimes are compared by the scripts in bench/");
  flags->declare_few(arguments);
}

}  // namespace

Result<int> run_bench(const Words& words) {
  BenchOptions options;
  BuildFlags flags;
  Arguments arguments("bench", "Measures latency and throughput with random inputs.", kExamples);
  declare(&options, &flags, &arguments);
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  HONE_ASSIGN_OR_RETURN(const double duration, parse_duration(options.duration));
  HONE_ASSIGN_OR_RETURN(const double warm_up, parse_duration(options.warm_up));
  if (options.streams < 1 || options.streams > kMaxStreams || options.batch < 0) {
    return Status(Code::kInvalidArgument,
                  fmt::format("--streams is 1 to {}, --batch at least 1", kMaxStreams));
  }
  HONE_ASSIGN_OR_RETURN(const Engine engine, load_engine(options.file, flags));
  HONE_ASSIGN_OR_RETURN(Report report, run_benchmark(options, engine, duration, warm_up));
  report.threads = engine_threads(engine);
  if (options.json == "-") {
    print_result(json_text(report_json(options, engine, report)));
    return kExitGood;
  }
  print_result(report_text(engine, report, options.profile));
  if (!options.json.empty()) {
    const UninterruptedWrite whole;
    const std::string text = json_text(report_json(options, engine, report));
    HONE_RETURN_IF_ERROR(write_file_atomically(options.json, text));
  }
  return kExitGood;
}

}  // namespace hone::tools

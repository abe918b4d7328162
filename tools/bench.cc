// hone bench: latency, throughput, and where the time goes.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>

#include "arguments.h"
#include "base/dim.h"
#include "base/file.h"
#include "bench_profile.h"
#include "bench_statistics.h"
#include "bench_stream.h"
#include "bench_versus.h"
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
    "  hone bench model.plan --streams 4 --json result.json\n"
    "  hone bench model.onnx --threads 1 --vs onnxruntime,openvino\n";
constexpr int kBindRuns = 5;
constexpr int kMaxStreams = 256;

struct BenchOptions {
  std::string file, duration = "5s", warm_up = "200ms", shapes, trace, json;
  VersusOptions versus;
  int batch = 0, streams = 1;
  bool profile = false;
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

struct Report {
  std::vector<std::vector<int64_t>> shapes;
  int64_t batch = 1;  // inferences per run
  int threads = 1;
  int streams = 1;
  double bind_milliseconds = 0;
  LatencyStatistics latency;
  Profile profile;
  std::optional<Versus> versus;
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
  const double gflop = report.profile.gflop();
  if (gflop > 0) text += fmt::format(", {:.1f} GFLOP/s", gflop * l.runs_per_second);
  text += fmt::format("\nbinding a new shape: {:.3f} ms\n", report.bind_milliseconds);
  if (report.versus) text += "\n" + versus_table(*report.versus);
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
               {"gflop_per_run", report.profile.gflop()},
               {"gflops", report.profile.gflop() * l.runs_per_second},
               {"peak_gflops", report.profile.peak_gflops}};
  if (options.profile) json["steps"] = profile_json(report.profile);
  if (report.versus) json["vs"] = versus_json(*report.versus);
  return json;
}

// `model`: of --vs; null without.
Result<Report> run_benchmark(const BenchOptions& options, const Engine& engine, const Model* model,
                             double duration, double warm_up) {
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
  report.threads = engine_threads(engine);
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::make_unique<Stream>(engine, inputs));
    HONE_RETURN_IF_ERROR(streams.back()->warm_up(i == 0 ? warm_up : 0));
  }
  HONE_ASSIGN_OR_RETURN(report.latency, measure(&streams, duration));
  HONE_ASSIGN_OR_RETURN(report.bind_milliseconds, bind_milliseconds(engine, report.shapes));
  HONE_ASSIGN_OR_RETURN(report.profile, profile_steps(streams[0].get(), report.threads));
  if (model) {
    HONE_ASSIGN_OR_RETURN(report.versus, measure_versus(options.versus, *model, engine, inputs,
                                                        streams[0].get(), duration));
  }
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
  arguments->option("--vs", "RUNTIMES", &options->versus.runtimes,
                    "in turns with onnxruntime,openvino,tensorflow: those named, through Python");
  arguments->flag("--profile", &options->profile,
                  "time, share of peak, bytes and busy threads of each step");
  arguments->option("--trace", "FILE", &options->trace, "one run as a Chrome trace (JSON)");
  arguments->option("--json", "FILE", &options->json,
                    "results as JSON; - for stdout instead of text");
  flags->declare_few(arguments);
}

Result<Engine> build_engine_of(const Model& model, const BuildFlags& flags) {
  HONE_ASSIGN_OR_RETURN(BuildOptions options, flags.options());
  return build_engine(model, std::move(options));
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
  options.versus.signature = flags.signature();
  std::optional<Model> model;
  if (!options.versus.runtimes.empty()) {
    HONE_ASSIGN_OR_RETURN(model, load_model(options.file, flags.signature()));
    HONE_RETURN_IF_ERROR(check_versus(options.versus, *model));
  }
  HONE_ASSIGN_OR_RETURN(const Engine engine,
                        model ? build_engine_of(*model, flags) : load_engine(options.file, flags));
  HONE_ASSIGN_OR_RETURN(
      const Report report,
      run_benchmark(options, engine, model ? &*model : nullptr, duration, warm_up));
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

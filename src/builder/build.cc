#include "builder/build.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>

#include "base/file.h"
#include "base/log.h"
#include "base/thread_pool.h"
#include "builder/dump.h"
#include "builder/memory.h"
#include "builder/model_impl.h"
#include "builder/profiles.h"
#include "lower/lower.h"
#include "passes/pipeline.h"
#include "runtime/engine_impl.h"
#include "tune/make_portable.h"
#include "tune/tuner.h"

namespace hone {
namespace {

// Weights below this stay in the plan as they are: scalars and biases that any tactic may read.
constexpr size_t kAlwaysKeptBytes = 1024;
// An alternative must win by this share of the graph's time: less is within the noise of the
// timings.
constexpr double kWorthwhile = 0.005;

Status report(const BuildOptions& options, std::string_view stage, double fraction,
              std::string_view message) {
  if (!options.progress || options.progress(stage, fraction, message)) return ok();
  return Status(Code::kCancelled, fmt::format("the build was cancelled (stage '{}')", stage));
}

Result<Target> make_target(const BuildOptions& options) {
  Target target;
  HONE_ASSIGN_OR_RETURN(target.features, CpuFeatures::parse(options.target));
  target.threads = options.threads > 0 ? options.threads : ThreadPool::global().size();
  return target;
}

Status check_options(const BuildOptions& options) {
  if (options.precision != Precision::kFp32) {
    return Status(Code::kUnsupported, "this version builds FP32 plans only")
        .fix("use precision fp32");
  }
  if (options.threads < 0 || options.memory_bytes < 0 || options.tune_seconds < 0) {
    return Status(Code::kInvalidArgument, "threads, memory and tune_seconds must not be negative");
  }
  return ok();
}

// Takes each alternative that makes the graph as chosen so far faster.
Result<Choices> price_alternatives(const Graph& graph, const std::vector<Alternative>& alternatives,
                                   const PortableOptions& portable_options, Tuner& tuner) {
  Choices choices;
  const auto price = [&]() -> Result<double> {
    Graph trial = graph.clone();
    HONE_RETURN_IF_ERROR(apply_choices(trial, alternatives, choices));
    HONE_ASSIGN_OR_RETURN(const Portable portable, make_portable(trial, portable_options));
    return tuner.price(portable);
  };
  HONE_ASSIGN_OR_RETURN(double best, price());
  for (const Alternative& alternative : alternatives) {
    Choice& choice = choices[alternative.id];
    choice.take = true;
    HONE_ASSIGN_OR_RETURN(const double with, price());
    choice.milliseconds_without = best;
    choice.milliseconds_with = with;
    choice.take = with < best * (1 - kWorthwhile);
    if (choice.take) best = with;
    log_debug("alternative {}: {:.3f} -> {:.3f} ms, {}", alternative.id,
              choice.milliseconds_without, with, choice.take ? "taken" : "not taken");
  }
  return choices;
}

// Canonical weights that every reader has packed are left out, unless the plan shall be portable.
void drop_packed_constants(const Tuned& tuned, Portable* portable) {
  std::vector<bool> needed(portable->values.size(), false);
  for (size_t s = 0; s < portable->steps.size(); ++s) {
    const auto& replaced = tuned.steps[s].replaced_inputs;
    for (size_t i = 0; i < portable->steps[s].inputs.size(); ++i) {
      if (std::find(replaced.begin(), replaced.end(), i) == replaced.end()) {
        needed[portable->steps[s].inputs[i]] = true;
      }
    }
  }
  for (size_t v = 0; v < portable->values.size(); ++v) {
    PlanValue& value = portable->values[v];
    if (!value.has_data || needed[v] || value.constant.bytes() <= kAlwaysKeptBytes) continue;
    value.has_data = false;
    value.constant = Tensor();
  }
}

}  // namespace

Result<PlanData> build_plan(Graph graph, const BuildOptions& options) {
  HONE_RETURN_IF_ERROR(check_options(options));
  HONE_ASSIGN_OR_RETURN(const Target target, make_target(options));
  GraphDump dump(options.dump_graphs);
  HONE_RETURN_IF_ERROR(dump.write("imported", graph));

  // Passes: what always pays.
  HONE_RETURN_IF_ERROR(report(options, "optimize", 0.05, "fusing"));
  PipelineOptions pipeline;
  Status dumped;
  pipeline.dump = [&](const std::string& pass, const Graph& g) {
    if (dumped.ok()) dumped = dump.write(pass, g);
  };
  pipeline.keep_going = [&options] { return report(options, "optimize", 0.1, "").ok(); };
  HONE_ASSIGN_OR_RETURN(const auto timings, run_passes(graph, pipeline));
  HONE_RETURN_IF_ERROR(dumped);
  for (const PassTiming& pass : timings) {
    log_debug("pass {}: {:.2f} ms{}", pass.name, pass.milliseconds,
              pass.changed ? ", changed" : "");
  }

  // Alternatives and tactics: what pays on this machine, by timing.
  std::string warning;
  PortableOptions portable_options;
  portable_options.strict_fp32 = options.strict_fp32;
  HONE_ASSIGN_OR_RETURN(portable_options.profiles, make_profiles(graph, options, &warning));
  if (!warning.empty() && options.tune) log_warning("{}", warning);
  TimingCache cache;
  HONE_RETURN_IF_ERROR(cache.open(options.timing_cache));
  TunerOptions tuner_options{
      options.tune, options.retune, options.tune_seconds, options.memory_bytes, {}};
  double shown = 0;  // pricing each alternative starts again at 0
  tuner_options.progress = [&options, &shown](double fraction, std::string_view step) {
    shown = std::max(shown, fraction);
    return report(options, "tune", 0.15 + 0.75 * shown, step).ok();
  };
  Tuner tuner(target, &cache, tuner_options);
  const std::vector<Alternative> alternatives = find_alternatives(graph);
  Choices taken = untimed_choices(alternatives);
  if (options.tune) {
    HONE_ASSIGN_OR_RETURN(taken, price_alternatives(graph, alternatives, portable_options, tuner));
  }
  HONE_RETURN_IF_ERROR(apply_choices(graph, alternatives, taken));
  HONE_RETURN_IF_ERROR(dump.write("choices_applied", graph));

  // Lowering: storage, packed weights.
  PlanData plan;
  HONE_ASSIGN_OR_RETURN(plan.portable, make_portable(graph, portable_options));
  HONE_ASSIGN_OR_RETURN(const std::vector<StepChoice> choices, tuner.choose(plan.portable));
  // The plan is good without it.
  if (Status saved = cache.save(); !saved.ok()) log_warning("{}", saved.message());
  HONE_RETURN_IF_ERROR(report(options, "lower", 0.92, "packing weights"));
  HONE_ASSIGN_OR_RETURN(Tuned tuned, lower(plan.portable, target, choices));
  if (!options.portable) drop_packed_constants(tuned, &plan.portable);
  plan.tuned.push_back(std::move(tuned));
  HONE_RETURN_IF_ERROR(check_memory(plan, target, options.memory_bytes));
  log_info("{} timings made, {} from the cache, {} skipped", tuner.measured(), tuner.from_cache(),
           tuner.skipped());
  return plan;
}

struct Plan::Impl {
  PlanData data;
  PlanPieces file;
  mutable std::once_flag joined;
  mutable std::string bytes;
};

Result<Plan> build(const Model& model, const BuildOptions& options) {
  auto plan = std::make_shared<Plan::Impl>();
  HONE_ASSIGN_OR_RETURN(plan->data, build_plan(model.impl()->graph.clone(), options));
  HONE_RETURN_IF_ERROR(report(options, "write", 0.97, "writing the plan"));
  HONE_ASSIGN_OR_RETURN(plan->file, lay_out_plan(plan->data));
  HONE_RETURN_IF_ERROR(report(options, "done", 1.0, ""));
  return Plan(std::move(plan));
}

size_t Plan::size() const { return static_cast<size_t>(impl_->file.size); }

Status Plan::save(const std::string& path) const {
  return write_file_atomically(path, impl_->file.pieces);
}

Result<Engine> Plan::load(const EngineOptions& options) const {
  return make_engine(impl_->data, "plan", options);
}

const std::string& Plan::bytes() const {
  std::call_once(impl_->joined, [this] {
    impl_->bytes.reserve(size());
    for (std::string_view piece : impl_->file.pieces) impl_->bytes += piece;
  });
  return impl_->bytes;
}

}  // namespace hone

#include "passes/pipeline.h"

#include <chrono>
#include <cstdlib>

#include "base/text.h"
#include "graph/verify.h"
#include "passes/canonicalize.h"
#include "passes/delay_reshapes.h"
#include "passes/eliminate_common.h"
#include "passes/fold_constants.h"
#include "passes/fold_pad.h"
#include "passes/fold_scale.h"
#include "passes/fuse_activation.h"
#include "passes/fuse_attention.h"
#include "passes/fuse_epilogue.h"
#include "passes/fuse_layer_norm.h"
#include "passes/fuse_pointwise.h"
#include "passes/read_channels_first.h"
#include "passes/remove_identity.h"
#include "passes/resolve_shapes.h"
#include "passes/simplify_gather.h"
#include "passes/sink_transposes.h"
#include "passes/widen_half.h"

namespace hone {
namespace {

// The list, in order.
constexpr Pass kPasses[] = {
    {"widen_half", widen_half},            // the others look for f32
    {"remove_identity", remove_identity},  // importers make many; the others need not see through
    {"resolve_shapes", resolve_shapes},    // before folding: known elements are constants to it
    {"fold_constants", fold_constants},    // weights behind Reshape, batch norm's scale ...
    {"canonicalize", canonicalize},        // needs constants; the passes below know one spelling
    {"simplify_gather", simplify_gather},  // knows the one spelling
    {"eliminate_common",
     eliminate_common},                    // fewer nodes for those below; shared inputs become one
    {"sink_transposes", sink_transposes},  // frees Conv's surroundings from the source's layout
    {"remove_identity", remove_identity},  // Reshapes that sinking left side by side
    {"fuse_activation", fuse_activation},  // before fold_scale takes a factor away
    {"fuse_layer_norm", fuse_layer_norm},  // needs one spelling, common means and no Transposes
    {"fold_pad", fold_pad},                // before scales: those in front of padding are limited
    {"fold_scale", fold_scale},            // before epilogues: weights are free, epilogues are not
    {"fuse_attention", fuse_attention},    // before MatMul takes the scale as its epilogue
    {"delay_reshapes", delay_reshapes},    // what is behind a Reshape is no epilogue
    {"fuse_epilogue", fuse_epilogue},      // first pick: what runs in registers behind Conv
    {"fuse_pointwise", fuse_pointwise},    // what is left: x * sigmoid(x) becomes one user ...
    {"delay_reshapes", delay_reshapes},    // now that there is one user
    {"fuse_epilogue", fuse_epilogue},      // ... which Conv can take
    {"read_channels_first", read_channels_first},  // what no Transpose below could cancel
    {"eliminate_common", eliminate_common},        // constants that the fusions made
};

bool should_verify() {
#ifdef NDEBUG
  const char* verify = std::getenv("HONE_VERIFY");
  return verify && std::string_view(verify) == "1";
#else
  return true;
#endif
}

bool is_disabled(std::string_view name) {
  const char* list = std::getenv("HONE_DISABLE_PASS");
  for (std::string_view entry : split(list ? list : "", ',')) {
    if (trim(entry) == name) return true;
  }
  return false;
}

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

Result<std::vector<PassTiming>> run_passes(Graph& graph, const PipelineOptions& options) {
  using Clock = std::chrono::steady_clock;
  std::vector<PassTiming> timings;
  for (const Pass& pass : kPasses) {
    if (options.keep_going && !options.keep_going()) return Status(Code::kCancelled, "cancelled");
    PassTiming& timing = timings.emplace_back(PassTiming{.name = pass.name});
    timing.disabled = is_disabled(pass.name);
    if (timing.disabled) continue;
    const auto start = Clock::now();
    auto changed = pass.run(graph);
    if (!changed.ok()) return Status(changed.status()).at(std::string("pass ") + pass.name);
    timing.changed = *changed;
    timing.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    if (timing.changed && options.dump) options.dump(pass.name, graph);
    if (!timing.changed || !should_verify()) continue;
    if (Status status = verify(graph); !status.ok()) {
      return std::move(status).at(std::string("after pass ") + pass.name);
    }
  }
  return timings;
}

}  // namespace hone

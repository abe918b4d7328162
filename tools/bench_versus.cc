#include "bench_versus.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/text.h"
#include "compare_errors.h"
#include "console.h"
#include "hone/c.h"
#include "inputs.h"
#include "load.h"
#include "peer.h"

namespace hone::tools {
namespace {

constexpr int kRounds = 9;
constexpr double kLeastSlice = 0.01;  // seconds
constexpr double kNotBelow = 0.97;    // smaller ratios are no noise

struct Peer {
  VersusRow row;
  ScratchFolder folder;
  PeerProcess process;
  std::vector<double> medians;  // of the rounds
};

std::vector<std::string> names_of(const std::string& runtimes) {
  std::vector<std::string> names;
  for (std::string_view name : split(runtimes, ',')) names.emplace_back(trim(name));
  return names;
}

// Starts the runtime, which runs the model once; `mine`: Hone's outputs, in the model's order.
Status start(const VersusOptions& options, const Model& model, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& mine, int threads, Peer* peer) {
  const std::string& runtime = peer->row.runtime;
  HONE_ASSIGN_OR_RETURN(Json request,
                        peer_request(runtime, model, options.signature, inputs, peer->folder));
  request["threads"] = threads;
  HONE_RETURN_IF_ERROR(peer->process.start(runtime, request, peer->folder));
  HONE_ASSIGN_OR_RETURN(const Json answer, peer->process.ask(""));
  peer->row.version = answer["version"].get<std::string>();
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, peer_outputs(answer, model));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto error = output_error(outputs[i], mine[i]);
    if (!error.ok()) {
      return Status(error.status())
          .at(fmt::format("output '{}' of {}", model.outputs()[i].name, runtime));
    }
    peer->row.difference = std::max(peer->row.difference, error->max_relative);
  }
  return ok();
}

Status run_slice(double seconds, Peer* peer) {
  HONE_ASSIGN_OR_RETURN(const Json answer, peer->process.ask(fmt::format("{}", seconds)));
  peer->row.round_minima.push_back(answer["min_ms"].get<double>());
  peer->medians.push_back(answer["p50_ms"].get<double>());
  return ok();
}

// Hone's slice, in this process.
Status run_slice(double seconds, Stream* stream, VersusRow* row, std::vector<double>* medians) {
  std::atomic<bool> stop = false;
  stream->forget_times();
  stream->measure(seconds, &stop);
  HONE_RETURN_IF_ERROR(stream->status());
  row->round_minima.push_back(
      *std::min_element(stream->milliseconds().begin(), stream->milliseconds().end()));
  medians->push_back(quartiles(stream->milliseconds()).median);
  return ok();
}

void summarize(std::vector<double> medians, VersusRow* row) {
  row->min = *std::min_element(row->round_minima.begin(), row->round_minima.end());
  row->p50 = quartiles(std::move(medians)).median;
}

Quartiles ratio_of(const std::vector<VersusRow>& rows) {
  std::vector<double> ratios;
  for (size_t round = 0; round < rows[0].round_minima.size(); ++round) {
    double best = INFINITY;
    for (size_t i = 1; i < rows.size(); ++i) best = std::min(best, rows[i].round_minima[round]);
    ratios.push_back(best / rows[0].round_minima[round]);
  }
  return quartiles(ratios);
}

// Outputs and inputs in the model's order.
struct ModelSide {
  std::vector<Tensor> inputs, outputs;
};

Result<ModelSide> model_side(const Model& model, const Engine& engine,
                             const std::vector<Tensor>& inputs, Stream* stream) {
  HONE_ASSIGN_OR_RETURN(const auto in, match_names(model.inputs(), engine.inputs(), "input"));
  HONE_ASSIGN_OR_RETURN(const auto out, match_names(model.outputs(), engine.outputs(), "output"));
  HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> mine, run_once(&stream->context(), inputs));
  ModelSide side;
  for (size_t i : in) side.inputs.push_back(inputs[i]);
  for (size_t i : out) side.outputs.push_back(mine[i]);
  return side;
}

}  // namespace

Status check_versus(const VersusOptions& options, const Model& model) {
  for (const std::string& name : names_of(options.runtimes)) {
    HONE_RETURN_IF_ERROR(check_peer(name, model, "leave it out of --vs"));
  }
  return ok();
}

Result<Versus> measure_versus(const VersusOptions& options, const Model& model,
                              const Engine& engine, const std::vector<Tensor>& inputs,
                              Stream* stream, double seconds) {
  HONE_ASSIGN_OR_RETURN(const ModelSide side, model_side(model, engine, inputs, stream));
  Versus versus;
  versus.rounds = kRounds;
  versus.threads = engine_threads(engine);
  std::vector<std::unique_ptr<Peer>> peers;
  for (const std::string& name : names_of(options.runtimes)) {
    draw_status_line(fmt::format("starting {}", name));
    peers.push_back(std::make_unique<Peer>());
    peers.back()->row.runtime = name;
    HONE_RETURN_IF_ERROR(
        start(options, model, side.inputs, side.outputs, versus.threads, peers.back().get()));
  }
  VersusRow mine;
  mine.runtime = "hone", mine.version = hn_version();
  std::vector<double> medians;
  const double slice = std::max(kLeastSlice, seconds / kRounds);
  for (int round = 0; round < kRounds; ++round) {
    draw_status_line(fmt::format("round {} of {}", round + 1, kRounds));
    for (size_t k = 0; k <= peers.size(); ++k) {
      const size_t turn = (k + static_cast<size_t>(round)) % (peers.size() + 1);
      HONE_RETURN_IF_ERROR(turn == 0 ? run_slice(slice, stream, &mine, &medians)
                                     : run_slice(slice, peers[turn - 1].get()));
    }
  }
  draw_status_line("");
  summarize(medians, &mine);
  versus.rows.push_back(std::move(mine));
  for (auto& peer : peers) {
    summarize(peer->medians, &peer->row);
    versus.rows.push_back(peer->row);
  }
  versus.ratio = ratio_of(versus.rows);
  return versus;
}

std::string versus_table(const Versus& versus) {
  Table table({"runtime", "version", ">min ms", ">p50 ms", ">of hone's min", ">difference"});
  for (const VersusRow& row : versus.rows) {
    const bool mine = &row == &versus.rows[0];
    table.add_row({row.runtime, row.version, fmt::format("{:.3f}", row.min),
                   fmt::format("{:.3f}", row.p50),
                   fmt::format("{:.2f}", row.min / versus.rows[0].min),
                   mine ? "-" : fmt::format("{:.1e}", row.difference)});
  }
  const Quartiles& ratio = versus.ratio;
  std::string text = table.text();
  text += fmt::format(
      "best peer / hone: {:.2f} (quartiles {:.2f} to {:.2f}; {} rounds in turns, {} thread{})\n",
      ratio.median, ratio.low, ratio.high, versus.rounds, versus.threads,
      versus.threads == 1 ? "" : "s");
  if (ratio.median < kNotBelow) text += "a peer is faster here\n";
  return text + "difference: of the outputs from hone's, as a share of their range\n";
}

Json versus_json(const Versus& versus) {
  Json rows = Json::array();
  for (const VersusRow& row : versus.rows) {
    rows.push_back({{"runtime", row.runtime},
                    {"version", row.version},
                    {"min_ms", row.min},
                    {"p50_ms", row.p50},
                    {"difference", row.difference},
                    {"round_min_ms", row.round_minima}});
  }
  return {{"threads", versus.threads},
          {"ratio", versus.ratio.median},
          {"quartiles", {versus.ratio.low, versus.ratio.high}},
          {"runtimes", rows}};
}

}  // namespace hone::tools

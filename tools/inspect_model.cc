#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "builder/model_impl.h"
#include "builder/stage_counts.h"
#include "console.h"
#include "inspect.h"
#include "json.h"
#include "passes/pipeline.h"

namespace hone::tools {
namespace {

using Histogram = std::map<std::string, int>;

Histogram histogram_of(const Graph& graph) {
  Histogram histogram;
  for (const Node* node : graph.nodes()) ++histogram[node->op().name];
  return histogram;
}

struct Constants {
  size_t count = 0;
  int64_t bytes = 0;
};
Constants constants_of(const Graph& graph) {
  Constants constants;
  for (const Value* value : graph.constants()) {
    ++constants.count;
    constants.bytes += static_cast<int64_t>(value->constant()->bytes());
  }
  return constants;
}

std::vector<std::string> symbols_of(const Graph& graph) {
  std::set<std::string> symbols;
  for (const Value* input : graph.inputs()) collect_symbols(input->shape(), &symbols);
  return {symbols.begin(), symbols.end()};
}

// A node of the optimized graph that stands for something else than one source node.
struct Fusion {
  std::string name, op, epilogue;
  std::vector<std::string> sources;
};

struct Fused {
  Graph graph;
  std::vector<PassTiming> passes;
  std::vector<Fusion> fusions;
  std::vector<StageCount> stages;
};

Result<Fused> fuse(const Graph& graph) {
  Fused fused;
  fused.graph = graph.clone();
  HONE_ASSIGN_OR_RETURN(fused.stages, count_stages(graph));
  HONE_ASSIGN_OR_RETURN(fused.passes, run_passes(fused.graph));
  for (const Node* node : fused.graph.nodes()) {
    if (node->sources().size() < 2 && node->epilogue().empty()) continue;
    fused.fusions.push_back({node->name(), node->op().name,
                             node->epilogue().empty() ? "" : node->epilogue().text(),
                             node->sources()});
  }
  return fused;
}

// Operators of either graph with their counts, most frequent first.
std::string histogram_text(const Histogram& before, const Histogram* after) {
  std::vector<std::pair<std::string, int>> rows(before.begin(), before.end());
  if (after) {
    for (const auto& [op, count] : *after) {
      if (!before.count(op)) rows.emplace_back(op, 0);
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Table table(after ? std::vector<std::string>{"operator", ">imported", ">after passes"}
                    : std::vector<std::string>{"operator", ">nodes"});
  for (const auto& [op, count] : rows) {
    std::vector<std::string> cells = {op, std::to_string(count)};
    if (after) {
      const auto it = after->find(op);
      cells.push_back(std::to_string(it == after->end() ? 0 : it->second));
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string header_text(const Model& model) {
  const Graph& graph = model.impl()->graph;
  const Constants constants = constants_of(graph);
  std::string text = fmt::format("model {} ({}): {} nodes, {} constants with {}\n", model.source(),
                                 model.format(), graph.num_nodes(), constants.count,
                                 human_bytes(static_cast<uint64_t>(constants.bytes)));
  for (const TensorInfo& info : model.inputs()) {
    text += fmt::format("input  {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  for (const TensorInfo& info : model.outputs()) {
    text += fmt::format("output {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  const auto symbols = symbols_of(graph);
  if (!symbols.empty()) text += "free dimensions: " + join(symbols, ", ") + "\n";
  return text;
}

std::string stages_text(const Fused& fused) {
  std::vector<std::string> counts;
  for (const StageCount& stage : fused.stages) {
    counts.push_back(fmt::format("{} {}", stage.stage, stage.operators));
  }
  return fmt::format("operators with work to do: {}\n\n", join(counts, " -> "));
}

std::string fusions_text(const Fused& fused) {
  std::string text = "\npasses that changed the graph:\n";
  for (const PassTiming& pass : fused.passes) {
    if (pass.disabled) text += fmt::format("  {} (disabled)\n", pass.name);
    if (pass.changed) text += fmt::format("  {} ({:.1f} ms)\n", pass.name, pass.milliseconds);
  }
  text += "\nfusions:\n";
  for (const Fusion& fusion : fused.fusions) {
    text += fmt::format("  {}\n    -> {}{}\n", join(fusion.sources, " + "), fusion.op,
                        fusion.epilogue.empty() ? "" : " then " + fusion.epilogue);
  }
  return text;
}

Json model_json(const Model& model, const Fused* fused) {
  const Graph& graph = model.impl()->graph;
  const Constants constants = constants_of(graph);
  Json json = {{"kind", "model"}, {"source", model.source()}, {"format", model.format()}};
  json["inputs"] = ports_json(model.inputs());
  json["outputs"] = ports_json(model.outputs());
  json["nodes"] = graph.num_nodes();
  json["constants"] = constants.count;
  json["constant_bytes"] = constants.bytes;
  json["ops"] = histogram_of(graph);
  if (!fused) return json;
  json["nodes_after"] = fused->graph.num_nodes();
  json["ops_after"] = histogram_of(fused->graph);
  for (const StageCount& stage : fused->stages) {
    json["stages"].push_back({{"stage", stage.stage}, {"operators", stage.operators}});
  }
  json["passes"] = Json::array();
  for (const PassTiming& pass : fused->passes) {
    json["passes"].push_back({{"name", pass.name},
                              {"changed", pass.changed},
                              {"disabled", pass.disabled},
                              {"milliseconds", pass.milliseconds}});
  }
  json["fusions"] = Json::array();
  for (const Fusion& fusion : fused->fusions) {
    json["fusions"].push_back({{"name", fusion.name},
                               {"op", fusion.op},
                               {"epilogue", fusion.epilogue},
                               {"sources", fusion.sources}});
  }
  return json;
}

}  // namespace

Result<std::string> inspect_model(const Model& model, bool fusions, bool as_json) {
  const Graph& graph = model.impl()->graph;
  if (!fusions) {
    if (as_json) return json_text(model_json(model, nullptr));
    return header_text(model) + "\n" + histogram_text(histogram_of(graph), nullptr);
  }
  HONE_ASSIGN_OR_RETURN(const Fused fused, fuse(graph));
  if (as_json) return json_text(model_json(model, &fused));
  const Histogram after = histogram_of(fused.graph);
  return header_text(model) + fmt::format("after passes: {} nodes\n", fused.graph.num_nodes()) +
         stages_text(fused) + histogram_text(histogram_of(graph), &after) + fusions_text(fused);
}

}  // namespace hone::tools

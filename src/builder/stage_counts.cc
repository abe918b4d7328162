#include "builder/stage_counts.h"

#include <algorithm>
#include <set>

#include "lower/lower.h"
#include "lower/storage.h"
#include "lower/views.h"
#include "passes/pipeline.h"
#include "tune/make_portable.h"

namespace hone {
namespace {

bool only_views(const StepDesc& step) {
  return step.epilogue.empty() && (is_reshape_like(*step.op) || !slice_views(step).empty());
}

StepDesc describe(const Node* node) {
  StepDesc step;
  step.op = &node->op();
  step.attributes = node->attributes();
  step.epilogue = node->epilogue();
  for (const Value* input : node->inputs()) {
    OperandDesc& operand = step.inputs.emplace_back();
    if (!input) continue;
    operand.type = input->type();
    operand.is_constant = input->is_constant();
    operand.constant = input->constant();
  }
  for (const Value* output : node->outputs()) step.outputs.push_back({output->type()});
  return step;
}

// Importers may need several nodes for an operator; it counts once.
int source_operators(const Graph& graph) {
  std::set<std::string> working, views;
  for (const Node* node : graph.nodes()) {
    (only_views(describe(node)) ? views : working).insert(node->sources().front());
  }
  // A Transpose that an importer puts around a Reshape is not another operator.
  for (const std::string& name : views) working.erase(name);
  return static_cast<int>(working.size());
}

int working_nodes(const Graph& graph) {
  const std::vector<Node*> nodes = graph.nodes();
  return static_cast<int>(std::count_if(
      nodes.begin(), nodes.end(), [](const Node* node) { return !only_views(describe(node)); }));
}

Result<int> running_steps(Graph graph) {
  HONE_ASSIGN_OR_RETURN(const Portable portable, make_portable(graph, {}));
  const Target target{CpuFeatures::detected(), 1};
  const std::vector<StepChoice> choices = choose_by_list_order(portable, target);
  std::vector<TunedStep> steps(choices.size());
  plan_storage(portable, make_step_descs(portable), choices, &steps);
  return static_cast<int>(std::count_if(steps.begin(), steps.end(),
                                        [](const TunedStep& step) { return !step.is_view; }));
}

}  // namespace

Result<std::vector<StageCount>> count_stages(const Graph& imported) {
  std::vector<StageCount> counts;
  Graph graph = imported.clone();
  counts.push_back({"imported", source_operators(graph)});
  HONE_RETURN_IF_ERROR(run_passes(graph).status());
  counts.push_back({"fused", working_nodes(graph)});
  const std::vector<Alternative> alternatives = find_alternatives(graph);
  HONE_RETURN_IF_ERROR(apply_choices(graph, alternatives, untimed_choices(alternatives)));
  counts.push_back({"siblings merged", working_nodes(graph)});
  HONE_ASSIGN_OR_RETURN(const int steps, running_steps(std::move(graph)));
  counts.push_back({"views elided", steps});
  return counts;
}

}  // namespace hone

#include "runtime/stage.h"

#include <algorithm>
#include <map>

#include "plan/stages.h"

namespace hone {
namespace {

void find_roots(const Tuned& tuned, Stages* all) {
  all->root.resize(tuned.values.size());
  for (size_t v = 0; v < tuned.values.size(); ++v) {
    int root = static_cast<int>(v);
    while (tuned.values[root].parent >= 0) root = tuned.values[root].parent;
    all->root[v] = root;
  }
}

// Values of the stage's steps with all of their parents.
std::vector<int> values_of(const Portable& portable, const Tuned& tuned, const Stage& stage) {
  std::vector<int> values;
  const auto add = [&](int v) {
    for (; v >= 0; v = tuned.values[v].parent) values.push_back(v);
  };
  for (size_t s = stage.begin; s < stage.end; ++s) {
    for (int v : portable.steps[s].inputs) add(v);
    if (portable.steps[s].ends_stage) continue;  // sizes are not known in this stage
    for (int v : portable.steps[s].outputs) add(v);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

// Where each dimension of the last step's outputs comes from.
void find_dims(const Portable& portable, std::set<std::string>* known, Stage* stage) {
  const PlanStep& step = portable.steps[stage->end - 1];
  std::map<std::string, int> added;
  for (int v : step.outputs) {
    for (const Dim& dim : portable.values[v].type.shape) {
      if (!dim.is_symbol() || known->contains(dim.symbol_name())) continue;
      const auto place = static_cast<int>(stage->first_found + added.size());
      if (!added.emplace(dim.symbol_name(), place).second) continue;
      stage->found_symbols.push_back(dim.symbol_name());
    }
  }
  for (int v : step.outputs) {
    stage->found_dims.emplace_back();
    for (const Dim& dim : portable.values[v].type.shape) {
      FoundDim found;
      found.dim = dim;
      std::set<std::string> used;
      dim.collect_symbols(&used);
      for (const std::string& name : used) found.computed |= added.contains(name);
      if (found.computed && dim.is_symbol()) {
        found.symbol = added.at(dim.symbol_name());
        found.computed = false;
      }
      stage->found_dims.back().push_back(found);
    }
  }
  known->insert(stage->found_symbols.begin(), stage->found_symbols.end());
}

}  // namespace

Stages make_stages(const Portable& portable, const Tuned& tuned) {
  Stages all;
  find_roots(tuned, &all);
  all.stage_of = value_stages(portable);
  all.lifetime.resize(portable.values.size());
  all.found.assign(portable.values.size(), false);
  for (const PlanStep& step : portable.steps) {
    for (const auto* values : {&step.inputs, &step.outputs}) {
      for (int v : *values) all.lifetime[all.root[v]].extend(step.group);
    }
  }
  all.input.assign(portable.values.size(), -1);
  all.output.assign(portable.values.size(), -1);
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    all.input[portable.inputs[i]] = static_cast<int>(i);
  }
  for (size_t i = 0; i < portable.outputs.size(); ++i) {
    all.output[portable.outputs[i]] = static_cast<int>(i);
  }
  all.stages.resize(static_cast<size_t>(portable.num_stages));
  for (const PlanStep& step : portable.steps) {
    for (int v : step.outputs) all.found[v] = step.ends_stage;
  }
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    all.stages[static_cast<size_t>(portable.steps[s].stage)].end = s + 1;
  }
  std::set<std::string> known = input_symbols(portable);
  size_t begin = 0, found = 0;
  for (Stage& stage : all.stages) {
    stage.begin = begin;
    stage.end = begin = std::max(begin, stage.end);
    stage.values = values_of(portable, tuned, stage);
    stage.first_found = found;
    if (&stage != &all.stages.back()) find_dims(portable, &known, &stage);
    found += stage.found_symbols.size();
  }
  for (size_t v = 0; v < portable.values.size(); ++v) {
    const auto stage = static_cast<size_t>(all.stage_of[v]);
    all.stages[stage].own.push_back(static_cast<int>(v));
  }
  for (size_t i = 0; i < portable.outputs.size(); ++i) {
    const int stage = all.stage_of[portable.outputs[i]];
    if (!all.found[portable.outputs[i]]) {
      all.stages[static_cast<size_t>(stage)].outputs.push_back(static_cast<int>(i));
    }
  }
  return all;
}

}  // namespace hone

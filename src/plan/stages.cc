#include "plan/stages.h"

#include <algorithm>
#include <map>

namespace hone {

std::set<std::string> input_symbols(const Portable& portable) {
  std::set<std::string> symbols;
  for (int input : portable.inputs) {
    for (const Dim& dim : portable.values[input].type.shape) {
      if (dim.is_symbol()) symbols.insert(dim.symbol_name());
    }
  }
  return symbols;
}

void find_stages(Portable* portable) {
  std::map<std::string, int> known;  // the stage from which on
  for (const std::string& symbol : input_symbols(*portable)) known.emplace(symbol, 0);
  int stage = 0;
  for (PlanStep& step : portable->steps) {
    step.stage = stage;
    std::set<std::string> symbols;
    for (int output : step.outputs) collect_symbols(portable->values[output].type.shape, &symbols);
    step.ends_stage = false;
    for (const std::string& symbol : symbols) {
      if (known.emplace(symbol, stage + 1).second) step.ends_stage = true;
    }
    if (step.ends_stage) ++stage;
  }
  portable->num_stages = stage + 1;
  portable->check_stages.clear();
  for (const auto& [a, b] : portable->must_be_equal) {
    std::set<std::string> symbols;
    collect_symbols({a, b}, &symbols);
    int last = 0;
    for (const std::string& symbol : symbols) {
      const auto found = known.find(symbol);
      last = std::max(last, found == known.end() ? stage : found->second);
    }
    portable->check_stages.push_back(last);
  }
}

std::vector<int> value_stages(const Portable& portable) {
  std::vector<int> stages(portable.values.size(), 0);
  for (const PlanStep& step : portable.steps) {
    for (int output : step.outputs) stages[output] = step.stage + (step.ends_stage ? 1 : 0);
  }
  return stages;
}

}  // namespace hone

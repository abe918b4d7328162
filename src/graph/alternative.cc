#include "graph/alternative.h"

#include <unordered_set>

namespace hone {

Choices untimed_choices(const std::vector<Alternative>& alternatives) {
  Choices choices;
  for (const Alternative& alternative : alternatives) {
    choices[alternative.id].take = alternative.take_untimed;
  }
  return choices;
}

Status apply_choices(Graph& graph, const std::vector<Alternative>& alternatives,
                     const Choices& choices) {
  for (const Alternative& alternative : alternatives) {
    const auto choice = choices.find(alternative.id);
    if (choice == choices.end() || !choice->second.take) continue;
    std::unordered_set<std::string> present;
    for (const Node* node : graph.nodes()) present.insert(node->name());
    bool whole = true;
    for (const std::string& name : alternative.region) whole = whole && present.count(name) > 0;
    if (!whole) continue;
    Status status = alternative.apply(graph);
    if (!status.ok()) return std::move(status).at(alternative.id);
  }
  graph.remove_dead();
  return ok();
}

}  // namespace hone

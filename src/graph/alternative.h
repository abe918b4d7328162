// Rewrites that pay only sometimes. A pass in src/passes records them; the tuner prices them on
// this machine; apply_choices() carries out the ones that were chosen. Choices are plain data.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace hone {

struct Alternative {
  std::string id;       // stable across builds of one model: "merge_siblings:conv2a,conv2b"
  std::string summary;  // for the report: what is replaced by what
  std::vector<std::string> region;  // names of the nodes it replaces
  // Whether it is the better guess when nothing is timed: a rule stated where it is set.
  bool take_untimed = false;
  // Rewrites a graph that still has the region (node names are the handle, so it works on clones).
  // Must keep the reference result. Not called when another applied alternative took one of the
  // nodes.
  std::function<Status(Graph&)> apply;
};

// Which alternatives to apply: id -> yes or no, with what the decision rests on.
struct Choice {
  bool take = false;
  double milliseconds_without = -1, milliseconds_with = -1;  // of the whole graph; < 0 = not priced
};
using Choices = std::map<std::string, Choice>;

// Takes those that are the better guess.
Choices untimed_choices(const std::vector<Alternative>& alternatives);

// Applies, in order, the alternatives that `choices` takes and whose region is still whole.
Status apply_choices(Graph& graph, const std::vector<Alternative>& alternatives,
                     const Choices& choices);

}  // namespace hone

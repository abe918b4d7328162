// What might pay on some machines: the list of kinds. Each is in a file of its own.
#include "passes/chain_convs.h"
#include "passes/merge_siblings.h"
#include "passes/pipeline.h"

namespace hone {
namespace {

using Find = std::vector<Alternative> (*)(const Graph&);
constexpr Find kKinds[] = {
    find_siblings,
    find_conv_chains,
};

}  // namespace

std::vector<Alternative> find_alternatives(const Graph& graph) {
  std::vector<Alternative> alternatives;
  for (const Find find : kKinds) {
    for (Alternative& alternative : find(graph)) alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

}  // namespace hone

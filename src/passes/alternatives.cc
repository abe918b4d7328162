// The kinds of alternatives.
#include <iterator>

#include "passes/chain_convs.h"
#include "passes/merge_siblings.h"
#include "passes/pipeline.h"

namespace hone {

std::vector<Alternative> find_alternatives(const Graph& graph) {
  std::vector<Alternative> alternatives = find_siblings(graph);
  std::vector<Alternative> chains = find_conv_chains(graph);
  alternatives.insert(alternatives.end(), std::make_move_iterator(chains.begin()),
                      std::make_move_iterator(chains.end()));
  return alternatives;
}

}  // namespace hone

// Attributes of ConvChain: two or three Convs one after another as one node, so that a tactic may
// run them depth first. Made by an alternative (passes/chain_convs.h), never by an importer.
#pragma once

#include <cstddef>

#include "ops/attributes.h"
#include "ops/spatial.h"

namespace hone {

// ConvChain(data, weights_1 [O, spatial..., C / groups], bias_1 [O], weights_2, bias_2, [weights_3,
// bias_3]). The result of each Conv is the data of the next; behind the last comes the node's
// epilogue, behind the others that of the attributes.
struct ConvChainAttributes {
  ConvAttributes first, second, third;  // third: only with 7 inputs
  Program epilogue_1, epilogue_2;       // empty, or with one input; epilogue_2: only with 7 inputs
  bool operator==(const ConvChainAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("strides_1", first.strides);
    visit("dilations_1", first.dilations);
    visit("pads_1", first.pads);
    visit("groups_1", first.groups);
    visit("auto_pad_1", first.auto_pad);
    visit("epilogue_1", epilogue_1);
    visit("strides_2", second.strides);
    visit("dilations_2", second.dilations);
    visit("pads_2", second.pads);
    visit("groups_2", second.groups);
    visit("auto_pad_2", second.auto_pad);
    visit("epilogue_2", epilogue_2);
    visit("strides_3", third.strides);
    visit("dilations_3", third.dilations);
    visit("pads_3", third.pads);
    visit("groups_3", third.groups);
    visit("auto_pad_3", third.auto_pad);
  }

  // Convs of a chain with so many inputs.
  static size_t length(size_t root_inputs) { return (root_inputs - 1) / 2; }
  const ConvAttributes& part(size_t i) const { return i == 0 ? first : i == 1 ? second : third; }
  // Behind part `i`, which is not the last.
  const Program& epilogue(size_t i) const { return i == 0 ? epilogue_1 : epilogue_2; }
};

}  // namespace hone

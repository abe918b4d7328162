// ConvChain depth first: strips of a few output rows go through all Convs of the chain while they
// are in the cache.
//
//   expand   any Conv of one group (the 1x1 of an inverted residual, or a stem)      optional
//   filter   a depthwise Conv
//   project  a 1x1 Conv, its addend (the residual) included                          optional
//
// Each thread has a ring of expanded rows, columns of padding included, and a strip of filtered
// ones. Expanded rows are made in blocks that begin at multiples of their height, and every strip
// has its place in the image, so which sums are formed in which order does not depend on where a
// thread begins; only a few rows are then made twice. Pays where the expanded tensor does not fit
// the L2 cache, notes in passes/chain_convs.h.
#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/pointwise.h"
#include "tactics/tactic.h"

namespace hone {

// Which part of the chain is what; -1: there is none.
struct ChainRoles {
  int expand = -1, filter = -1, project = -1;
};

struct ChainConfig {
  int64_t strip = 1;     // output rows
  cpu::ConvConfig tile;  // of expand and project
};

inline constexpr size_t kMaxChainInputs = 3 + cpu::kMaxPointwiseInputs;  // of one part

// Where the packed weights of each part lie, in bytes.
struct ChainPacking {
  size_t offset[3] = {};
  size_t bytes = 0;
};
ChainPacking chain_packing(const std::vector<StepDesc>& parts, const ChainRoles& roles,
                           const cpu::ConvConfig& tile, cpu::Isa isa);

std::unique_ptr<PreparedStep> prepare_chain(const PrepareArgs& args, const ChainRoles& roles,
                                            const ChainConfig& config, cpu::Isa isa);

}  // namespace hone

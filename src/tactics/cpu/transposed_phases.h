// A transposed convolution as convolutions: elements of the result that are `stride` apart (a
// phase) are made of the same weights, so each phase is a convolution with stride 1 and a part of
// the kernel. No weight is multiplied with an inserted zero; k = stride leaves one matrix product
// per phase.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/cpu/conv.h"
#include "ops/conv_transpose.h"
#include "tactics/tactic.h"

namespace hone {

// One dimension of a phase: the elements of the result whose place, plus pad_begin, leaves
// `residue` when divided by the stride.
struct PhaseAxis {
  int64_t residue = 0;
  // Weights first_tap, first_tap + tap_step ...; in the phase's convolution they come in reverse
  // order, `dilation` elements of data apart.
  int64_t taps = 0, first_tap = 0, tap_step = 1, dilation = 1;
  int64_t offset = 0;  // the data of first_tap lies this far before that of the element

  // At concrete sizes: the first element of the result, how many there are, and where the data of
  // the first begins (negative: in the padding).
  int64_t first = 0, count = 0, start = 0;
};

// Depth, height and width of a phase.
using Phase = std::array<PhaseAxis, 3>;
inline bool has_taps(const Phase& phase) {
  return phase[0].taps > 0 && phase[1].taps > 0 && phase[2].taps > 0;
}

// Windows of depth, height and width, missing ones in front.
using PhaseWindows = std::array<Window, 3>;

// All phases, depth outermost: which weights they have depends on kernel, strides and dilations.
std::vector<Phase> make_phases(const PhaseWindows& windows);
// Sets what depends on the sizes (of the result).
void place_phase(const PhaseWindows& windows, const std::array<int64_t, 3>& out, Phase* phase);

// Channels, taps and dilations of the phase's convolution. Sizes, if the phase is placed, such that
// the input begins where the first output's data does, without padding; batch and strides are not
// set.
cpu::ConvProblem phase_problem(const Phase& phase, int64_t in_c, int64_t out_c, int64_t groups);

// Packs the weights [O][kernel d, h, w][I] of the phase.
void pack_phase(const cpu::ConvProblem& problem, const Phase& phase, const PhaseWindows& windows,
                const cpu::ConvConfig& config, int lanes, const float* weights, float* packed);

}  // namespace hone

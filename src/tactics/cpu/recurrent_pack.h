// LSTM, GRU and RNN steps as problems of kernels/cpu/recurrent.h, and their packed weights.
#pragma once

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/recurrent.h"
#include "tactics/tactic.h"

namespace hone {

inline int64_t round_up_floats(int64_t floats) { return (floats + 15) / 16 * 16; }

// Input i is there: neither left out at the end nor f32[0].
bool has_recurrent_input(const StepDesc& step, size_t i);

// The problem of one direction, for a batch that is set later. REQUIRES: the number of units is
// known.
cpu::RecurrentProblem recurrent_problem(const StepDesc& step, int direction);

// Where the parts of one direction's packed weights begin, in floats; the directions follow each
// other. The part at 0 is W for the GEMM, its columns in the order that the steps want.
struct RecurrentParts {
  int64_t features, columns, padded;  // columns of the GEMM; units with padding
  int64_t bias;                       // [columns]: of W and R together
  int64_t recurrent;                  // R
  int64_t hidden_bias;  // [padded]: of R for the hidden gate of a GRU with linear_before_reset
  int64_t peepholes;    // [3][padded]
  int64_t size;         // of all parts

  RecurrentParts(const StepDesc& step, const cpu::ConvConfig& config, cpu::Isa isa);
  // x W for so many rows.
  cpu::GemmProblem gemm(int64_t rows) const;
};

// REQUIRES: the constants of `step` are set; `packed` is zero.
void pack_recurrent_direction(const StepDesc& step, const RecurrentParts& parts,
                              const cpu::ConvConfig& config, cpu::Isa isa, int direction,
                              float* packed);

}  // namespace hone

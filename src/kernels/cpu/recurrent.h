// One time step of LSTM, GRU and RNN in FP32: the product of the state with packed recurrent
// weights, the activations and the new state in one pass over panels of hidden units. What the
// input contributes (x W + b) comes as a matrix made by gemm.h beforehand.
//
// Units are handled in groups of one vector. A panel holds the weights of a few groups, all their
// gates side by side: [k][group][gate][lane], at most kPanelVectors vectors for each k. So a panel
// is read once, as one stream, and ends with all gates of its units in registers or L1. Vectors are
// padded with zero weights; states have rows of padded_units() floats.
//
// Gates are in ONNX's order: LSTM input, output, forget, cell; GRU update, reset, hidden. A GRU
// whose reset gate acts on the state (kGru) needs all of them before the hidden gate: two phases.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

enum class RecurrentCell { kRnn, kGru, kGruLinear, kLstm };  // kGruLinear: linear_before_reset

// As GateFunction of ops/recurrent.h, in the same order.
enum class GateFn {
  kSigmoid,
  kTanh,
  kRelu,
  kAffine,
  kLeakyRelu,
  kThresholdedRelu,
  kScaledTanh,
  kHardSigmoid,
  kElu,
  kSoftsign,
  kSoftplus,
};
struct Gate {
  GateFn fn = GateFn::kSigmoid;
  float alpha = 0, beta = 0;
};

struct RecurrentProblem {
  RecurrentCell cell = RecurrentCell::kLstm;
  int64_t hidden = 0, batch = 0;
  Gate f, g{GateFn::kTanh}, h{GateFn::kTanh};  // RNN: f only; GRU: f and g
  float clip = __builtin_inff();               // of what goes into f and g
  bool input_forget = false;                   // LSTM: forget gate = 1 - input gate
};

inline constexpr int kPanelVectors = 4;

// One pass over the units.
struct RecurrentPhase {
  int gates = 1;        // of each unit in this phase
  int first_gate = 0;   // in ONNX's order
  int groups = 1;       // vectors of units in a panel; the last panel may have fewer
  int64_t panels = 0;   // may run in any order, on any threads
  int64_t column = 0;   // of the projected input: where the phase begins
  int64_t weights = 0;  // in the packed weights: where the phase begins
};

int recurrent_gates(RecurrentCell cell);
int recurrent_phases(RecurrentCell cell);
// `lanes` of the instruction set, see recurrent_lanes().
RecurrentPhase recurrent_phase(const RecurrentProblem& problem, int phase, int lanes);

int recurrent_lanes(Isa isa);
int64_t padded_units(const RecurrentProblem& problem, int lanes);
int64_t recurrent_columns(const RecurrentProblem& problem, int lanes);  // of the projected input
// For each column the row gate * hidden + unit of W, R and b that belongs there; -1: padding.
std::vector<int64_t> recurrent_column_rows(const RecurrentProblem& problem, int lanes);
// `r`: [gates * hidden][hidden]; `packed`: recurrent_columns() * hidden floats.
void pack_recurrent(const RecurrentProblem& problem, int lanes, const float* r, float* packed);

// One step. Buffers without a stride are [batch][padded_units()]; padding may hold anything.
struct RecurrentStep {
  const float* weights = nullptr;    // from pack_recurrent
  const float* projected = nullptr;  // row n of this time step at n * projected_stride
  int64_t projected_stride = 0;
  const float* hidden_bias = nullptr;  // kGruLinear: [padded_units()], added inside the reset
  const float* peepholes = nullptr;    // LSTM: input, output, forget [3][padded_units()], or null
  const float* h = nullptr;
  float* h_next = nullptr;
  float* c = nullptr;            // LSTM: old and new cell state
  float* update = nullptr;       // kGru: phase 0 writes, phase 1 reads
  float* reset_state = nullptr;  // kGru: likewise, reset gate * h
  float* y = nullptr;            // row n, `hidden` floats, at n * y_stride
  int64_t y_stride = 0;
  // Row n takes part while time < lengths[n]; else it keeps its state and y = 0. Null: always.
  const int32_t* lengths = nullptr;
  int64_t time = 0;
};

// Panels [first, last) of a phase. The bits of a row depend on problem and instruction set only.
using RecurrentRun = void (*)(const RecurrentProblem& problem, const RecurrentStep& step, int phase,
                              int64_t first, int64_t last);
RecurrentRun recurrent_kernel(Isa isa);

#define HONE_RECURRENT_KERNELS(isa)                                                     \
  namespace isa {                                                                       \
  void recurrent(const RecurrentProblem&, const RecurrentStep&, int, int64_t, int64_t); \
  }
HONE_RECURRENT_KERNELS(portable)
HONE_RECURRENT_KERNELS(avx2)
HONE_RECURRENT_KERNELS(avx512)
#undef HONE_RECURRENT_KERNELS

}  // namespace hone::cpu

// Attributes of LSTM, GRU and RNN, and what their names stand for.
//
//   LSTM(x, w, r, [b], [sequence_lens], [initial_h], [initial_c], [p]) -> y, y_h, y_c
//   GRU (x, w, r, [b], [sequence_lens], [initial_h]) -> y, y_h
//   RNN (x, w, r, [b], [sequence_lens], [initial_h]) -> y, y_h
//
// These are ONNX's operators: its inputs, formulas, order of gates and form of the weights. With D
// directions, T steps, batch N, I features, H hidden units and G gates (LSTM 4: input, output,
// forget, cell; GRU 3: update, reset, hidden; RNN 1):
//
//   x [T, N, I]   y [T, D, N, H]   y_h, y_c, initial_h, initial_c [D, N, H]
//                 batch_major: x [N, T, I], y [N, T, D, H], the others [N, D, H]
//   w [D, G*H, I]   r [D, G*H, H]   b [D, 2*G*H]: that of w, then that of r
//   sequence_lens i32[N]   p [D, 3*H]: peepholes of the input, output and forget gate
//
// Row u of gate g is row g*H + u, so an importer brings another order of gates (TensorFlow: kernel
// [I, 4*H] with input, forget, cell, output) to this form by Transpose and Gather on constants.
// An absent input is f32[0], as everywhere. Past its length a sequence has y = 0; y_h and y_c are
// the state after its last step (the first one of `reverse`, which begins at the length), and 0, as
// in ONNX Runtime, if it has no step at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/dim.h"
#include "hone/status.h"
#include "ops/attributes.h"

namespace hone {

// What all three have; RNN has nothing else.
struct RecurrentAttributes {
  std::string direction = "forward";  // "forward", "reverse", "bidirectional"
  // Names as ONNX has them, comma-separated, all of one direction, then of the other: f, g, h of
  // LSTM, f, g of GRU, f of RNN. Empty: Sigmoid,Tanh,Tanh and so on.
  std::string activations;
  std::vector<double> alphas, betas;  // one for each activation; empty: ONNX's defaults
  double clip = 0;                    // what goes into f, g and h of GRU and RNN, f and g of LSTM,
                                      // is cut to [-clip, clip]; 0: not at all
  bool batch_major = false;
  bool operator==(const RecurrentAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("direction", direction);
    visit("activations", activations);
    visit("alphas", alphas);
    visit("betas", betas);
    visit("clip", clip);
    visit("batch_major", batch_major);
  }
};

struct LstmAttributes : RecurrentAttributes {
  bool input_forget = false;  // the forget gate is 1 - input gate
  bool operator==(const LstmAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    RecurrentAttributes::fields(visit);
    visit("input_forget", input_forget);
  }
};

struct GruAttributes : RecurrentAttributes {
  bool linear_before_reset = false;  // the reset gate acts on h * r + b, not on h
  bool operator==(const GruAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    RecurrentAttributes::fields(visit);
    visit("linear_before_reset", linear_before_reset);
  }
};

enum class CellKind { kRnn, kGru, kLstm };
inline int num_gates(CellKind cell) {
  return cell == CellKind::kLstm ? 4 : cell == CellKind::kGru ? 3 : 1;
}
inline size_t num_activations(CellKind cell) {
  return cell == CellKind::kLstm ? 3 : cell == CellKind::kGru ? 2 : 1;
}
// REQUIRES: `attributes` are those of LSTM, GRU or RNN.
CellKind cell_kind(const Attributes& attributes);
const RecurrentAttributes& recurrent_attributes(const Attributes& attributes);

enum class GateFunction {
  kSigmoid,
  kTanh,
  kRelu,
  kAffine,           // alpha x + beta
  kLeakyRelu,        // x < 0 ? alpha x : x
  kThresholdedRelu,  // x > alpha ? x : 0
  kScaledTanh,       // alpha tanh(beta x)
  kHardSigmoid,      // alpha x + beta, cut to [0, 1]
  kElu,              // x < 0 ? alpha (e^x - 1) : x
  kSoftsign,         // x / (1 + |x|)
  kSoftplus,         // log(1 + e^x)
};
struct GateActivation {
  GateFunction function = GateFunction::kSigmoid;
  double alpha = 0, beta = 0;
  double operator()(double x) const;
};
// ONNX's name, in any case; its number of parameters (0, alpha, alpha and beta) and their defaults.
struct GateFunctionInfo {
  const char* name;
  GateFunction function;
  int parameters;
  double alpha, beta;
};
const GateFunctionInfo* find_gate_function(std::string_view name);  // null if there is none

// Directions of the attribute: 1 or 2. Errors: kModel.
Result<int> num_directions(const RecurrentAttributes& attributes);
// num_activations() for each direction, one after the other. Errors: kModel.
Result<std::vector<GateActivation>> gate_activations(const RecurrentAttributes& attributes,
                                                     CellKind cell);

// Inputs by number.
inline constexpr size_t kRecurrentX = 0, kRecurrentW = 1, kRecurrentR = 2, kRecurrentB = 3,
                        kRecurrentLens = 4, kRecurrentH = 5, kRecurrentC = 6, kRecurrentP = 7;
// An optional input that is absent has this shape.
inline bool is_absent(const Shape& shape) { return shape.size() == 1 && shape[0] == Dim(0); }

}  // namespace hone

// LSTM, GRU and RNN: names and types. Their evaluation is in recurrent_eval.cc.
#include "ops/recurrent.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/recurrent_eval.h"

namespace hone {
namespace {

constexpr GateFunctionInfo kFunctions[] = {
    {"Sigmoid", GateFunction::kSigmoid, 0, 0, 0},
    {"Tanh", GateFunction::kTanh, 0, 0, 0},
    {"Relu", GateFunction::kRelu, 0, 0, 0},
    {"Affine", GateFunction::kAffine, 2, 1, 0},
    {"LeakyRelu", GateFunction::kLeakyRelu, 1, 0.01, 0},
    {"ThresholdedRelu", GateFunction::kThresholdedRelu, 1, 1, 0},
    {"ScaledTanh", GateFunction::kScaledTanh, 2, 1, 1},
    {"HardSigmoid", GateFunction::kHardSigmoid, 2, 0.2, 0.5},
    {"Elu", GateFunction::kElu, 1, 1, 0},
    {"Softsign", GateFunction::kSoftsign, 0, 0, 0},
    {"Softplus", GateFunction::kSoftplus, 0, 0, 0},
};

const char* default_activations(CellKind cell) {
  return cell == CellKind::kLstm  ? "Sigmoid,Tanh,Tanh"
         : cell == CellKind::kGru ? "Sigmoid,Tanh"
                                  : "Tanh";
}

// The sizes that the inputs agree on.
struct Sizes {
  Dim directions, steps, batch, hidden;
};

// Input i, if it is there, has this shape.
Status require_shape(InferContext& context, size_t i, const Shape& shape, const char* what) {
  if (i >= context.inputs.size() || is_absent(context.shape(i))) return ok();
  HONE_RETURN_IF_ERROR(require_rank(context, i, shape.size()));
  if (i != kRecurrentLens && context.dtype(i) != context.dtype(kRecurrentX)) {
    return Status(Code::kModel,
                  fmt::format("{} has dtype {}, not {}", what, dtype_name(context.dtype(i)),
                              dtype_name(context.dtype(kRecurrentX))));
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    HONE_RETURN_IF_ERROR(context.require_equal(context.shape(i)[axis], shape[axis], what));
  }
  return ok();
}

Status require_inputs(InferContext& context, CellKind cell, const Sizes& s, bool batch_major) {
  const Dim rows = s.hidden * Dim(num_gates(cell));
  const Shape state =
      batch_major ? Shape{s.batch, s.directions, s.hidden} : Shape{s.directions, s.batch, s.hidden};
  const Shape w = {s.directions, rows, context.shape(kRecurrentX)[2]};
  HONE_RETURN_IF_ERROR(require_shape(context, kRecurrentW, w, "the weights (input 1)"));
  HONE_RETURN_IF_ERROR(require_shape(context, kRecurrentR, {s.directions, rows, s.hidden},
                                     "the recurrent weights (input 2)"));
  HONE_RETURN_IF_ERROR(
      require_shape(context, kRecurrentB, {s.directions, rows * Dim(2)}, "the bias (input 3)"));
  HONE_RETURN_IF_ERROR(
      require_shape(context, kRecurrentLens, {s.batch}, "sequence_lens (input 4)"));
  HONE_RETURN_IF_ERROR(require_shape(context, kRecurrentH, state, "initial_h (input 5)"));
  HONE_RETURN_IF_ERROR(require_shape(context, kRecurrentC, state, "initial_c (input 6)"));
  return require_shape(context, kRecurrentP, {s.directions, s.hidden * Dim(3)},
                       "the peepholes (input 7)");
}

Status infer_recurrent(InferContext& context) {
  const CellKind cell = cell_kind(*context.attributes);
  const RecurrentAttributes& attributes = recurrent_attributes(*context.attributes);
  HONE_RETURN_IF_ERROR(gate_activations(attributes, cell).status());
  HONE_ASSIGN_OR_RETURN(const int directions, num_directions(attributes));
  HONE_RETURN_IF_ERROR(require_dtype(context, kRecurrentX, is_float, "a floating point type"));
  HONE_RETURN_IF_ERROR(require_rank(context, kRecurrentX, 3));
  HONE_RETURN_IF_ERROR(require_rank(context, kRecurrentW, 3));
  HONE_RETURN_IF_ERROR(require_rank(context, kRecurrentR, 3));
  if (context.inputs.size() > kRecurrentLens && !is_absent(context.shape(kRecurrentLens)) &&
      context.dtype(kRecurrentLens) != DataType::i32) {
    return Status(Code::kModel, "sequence_lens (input 4) is not i32");
  }
  const bool batch_major = attributes.batch_major;
  const Shape& x = context.shape(kRecurrentX);
  const Sizes sizes{Dim(directions), x[batch_major ? 1 : 0], x[batch_major ? 0 : 1],
                    context.shape(kRecurrentR)[2]};
  HONE_RETURN_IF_ERROR(require_inputs(context, cell, sizes, batch_major));
  const Shape state = batch_major ? Shape{sizes.batch, sizes.directions, sizes.hidden}
                                  : Shape{sizes.directions, sizes.batch, sizes.hidden};
  const Shape y = batch_major ? Shape{sizes.batch, sizes.steps, sizes.directions, sizes.hidden}
                              : Shape{sizes.steps, sizes.directions, sizes.batch, sizes.hidden};
  context.set_output(context.dtype(kRecurrentX), y);
  context.set_output(context.dtype(kRecurrentX), state);
  if (cell == CellKind::kLstm) context.set_output(context.dtype(kRecurrentX), state);
  return ok();
}

}  // namespace

CellKind cell_kind(const Attributes& attributes) {
  return attributes.is<LstmAttributes>()  ? CellKind::kLstm
         : attributes.is<GruAttributes>() ? CellKind::kGru
                                          : CellKind::kRnn;
}

const RecurrentAttributes& recurrent_attributes(const Attributes& attributes) {
  if (attributes.is<LstmAttributes>()) return attributes.get<LstmAttributes>();
  if (attributes.is<GruAttributes>()) return attributes.get<GruAttributes>();
  return attributes.get<RecurrentAttributes>();
}

const GateFunctionInfo* find_gate_function(std::string_view name) {
  for (const GateFunctionInfo& info : kFunctions) {
    if (to_lower(name) == to_lower(info.name)) return &info;
  }
  return nullptr;
}

double GateActivation::operator()(double x) const {
  switch (function) {
    case GateFunction::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case GateFunction::kTanh:
      return std::tanh(x);
    case GateFunction::kRelu:
      return x < 0 ? 0 : x;
    case GateFunction::kAffine:
      return alpha * x + beta;
    case GateFunction::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case GateFunction::kThresholdedRelu:
      return x <= alpha ? 0 : x;
    case GateFunction::kScaledTanh:
      return alpha * std::tanh(beta * x);
    case GateFunction::kHardSigmoid: {
      const double y = alpha * x + beta;
      return y < 0 ? 0 : y > 1 ? 1 : y;
    }
    case GateFunction::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case GateFunction::kSoftsign:
      return x / (1 + std::fabs(x));
    case GateFunction::kSoftplus:
      return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
  }
  return x;
}

Result<int> num_directions(const RecurrentAttributes& attributes) {
  const std::string& direction = attributes.direction;
  if (direction == "bidirectional") return 2;
  if (direction == "forward" || direction == "reverse") return 1;
  return Status(Code::kModel, fmt::format("direction is \"{}\", neither \"forward\", \"reverse\" "
                                          "nor \"bidirectional\"",
                                          printable(direction)));
}

Result<std::vector<GateActivation>> gate_activations(const RecurrentAttributes& attributes,
                                                     CellKind cell) {
  HONE_ASSIGN_OR_RETURN(const int directions, num_directions(attributes));
  std::string names = attributes.activations;
  if (names.empty()) {
    names = default_activations(cell);
    if (directions == 2) names += "," + names;
  }
  const size_t count = num_activations(cell) * static_cast<size_t>(directions);
  std::vector<GateActivation> list;
  for (std::string_view name : split(names, ',')) {
    const GateFunctionInfo* info = find_gate_function(name);
    if (!info) {
      return Status(Code::kModel, fmt::format("there is no activation \"{}\"", printable(name)));
    }
    list.push_back({info->function, info->alpha, info->beta});
  }
  const auto fits = [count](size_t size) { return size == 0 || size == count; };
  if (list.size() != count || !fits(attributes.alphas.size()) || !fits(attributes.betas.size())) {
    return Status(Code::kModel, fmt::format("it has {} activations, {} alphas and {} betas; {} "
                                            "activations are needed",
                                            list.size(), attributes.alphas.size(),
                                            attributes.betas.size(), count));
  }
  if (!(attributes.clip >= 0)) return Status(Code::kModel, "clip is negative");
  for (size_t i = 0; i < count; ++i) {
    if (!attributes.alphas.empty()) list[i].alpha = attributes.alphas[i];
    if (!attributes.betas.empty()) list[i].beta = attributes.betas[i];
  }
  return list;
}

std::vector<OpDef> recurrent_ops() {
  return {{.name = "LSTM",
           .summary = "Long short-term memory over a sequence; inputs x, w, r, [b], "
                      "[sequence_lens], [initial_h], [initial_c], [p]",
           .min_inputs = 3,
           .max_inputs = 8,
           .num_outputs = 3,
           .defaults = LstmAttributes{},
           .infer = infer_recurrent,
           .evaluate = evaluate_recurrent},
          {.name = "GRU",
           .summary = "Gated recurrent unit over a sequence; inputs x, w, r, [b], "
                      "[sequence_lens], [initial_h]",
           .min_inputs = 3,
           .max_inputs = 6,
           .num_outputs = 2,
           .defaults = GruAttributes{},
           .infer = infer_recurrent,
           .evaluate = evaluate_recurrent},
          {.name = "RNN",
           .summary = "Simple recurrent network over a sequence; inputs x, w, r, [b], "
                      "[sequence_lens], [initial_h]",
           .min_inputs = 3,
           .max_inputs = 6,
           .num_outputs = 2,
           .defaults = RecurrentAttributes{},
           .infer = infer_recurrent,
           .evaluate = evaluate_recurrent}};
}

}  // namespace hone

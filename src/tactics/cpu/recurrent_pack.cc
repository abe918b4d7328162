#include "tactics/cpu/recurrent_pack.h"

#include <algorithm>

#include "ops/recurrent.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;
using cpu::RecurrentCell;

RecurrentCell cell_of(const StepDesc& step) {
  switch (cell_kind(step.attributes)) {
    case CellKind::kLstm:
      return RecurrentCell::kLstm;
    case CellKind::kGru:
      return step.attr<GruAttributes>().linear_before_reset ? RecurrentCell::kGruLinear
                                                            : RecurrentCell::kGru;
    case CellKind::kRnn:
      break;
  }
  return RecurrentCell::kRnn;
}

const float* floats_of(const StepDesc& step, size_t i) {
  return has_recurrent_input(step, i) ? step.inputs[i].constant->data<float>() : nullptr;
}

}  // namespace

bool has_recurrent_input(const StepDesc& step, size_t i) {
  return i < step.inputs.size() && !is_absent(step.in_shape(i));
}

cpu::RecurrentProblem recurrent_problem(const StepDesc& step, int direction) {
  const CellKind kind = cell_kind(step.attributes);
  const RecurrentAttributes& attributes = recurrent_attributes(step.attributes);
  const auto activations = *gate_activations(attributes, kind);
  const auto gate = [&](size_t i) {
    const GateActivation& a = activations[direction * num_activations(kind) + i];
    return cpu::Gate{static_cast<cpu::GateFn>(a.function), static_cast<float>(a.alpha),
                     static_cast<float>(a.beta)};
  };
  cpu::RecurrentProblem p;
  p.cell = cell_of(step);
  p.hidden = step.in_shape(kRecurrentR)[2].value();
  p.f = gate(0);
  if (num_activations(kind) > 1) p.g = gate(1);
  if (num_activations(kind) > 2) p.h = gate(2);
  if (attributes.clip > 0) p.clip = static_cast<float>(attributes.clip);
  if (kind == CellKind::kLstm) p.input_forget = step.attr<LstmAttributes>().input_forget;
  return p;
}

RecurrentParts::RecurrentParts(const StepDesc& step, const ConvConfig& config, Isa isa) {
  const cpu::RecurrentProblem p = recurrent_problem(step, 0);
  const int lanes = cpu::recurrent_lanes(isa);
  features = step.in_shape(kRecurrentW)[2].value();
  columns = cpu::recurrent_columns(p, lanes);
  padded = cpu::padded_units(p, lanes);
  bias = round_up_floats(cpu::packed_b_bytes(gemm(1), config, isa) / 4);
  recurrent = bias + round_up_floats(columns);
  hidden_bias = recurrent + round_up_floats(columns * p.hidden);
  peepholes = hidden_bias + round_up_floats(padded);
  size = peepholes + round_up_floats(3 * padded);
}

cpu::GemmProblem RecurrentParts::gemm(int64_t rows) const {
  cpu::GemmProblem p;
  p.m = rows, p.n = columns, p.k = features;
  p.lda = features, p.ldc = columns;
  return p;
}

// Row `row` of W, R and b for each column; padding is 0.
void pack_recurrent_direction(const StepDesc& step, const RecurrentParts& parts,
                              const ConvConfig& config, Isa isa, int direction, float* packed) {
  const cpu::RecurrentProblem p = recurrent_problem(step, direction);
  const int lanes = cpu::recurrent_lanes(isa);
  const int64_t rows = cpu::recurrent_gates(p.cell) * p.hidden;
  const std::vector<int64_t> row_of = cpu::recurrent_column_rows(p, lanes);
  const float* w = floats_of(step, kRecurrentW) + direction * rows * parts.features;
  const float* b = floats_of(step, kRecurrentB);
  if (b) b += direction * 2 * rows;
  std::vector<float> by_column(static_cast<size_t>(parts.columns * parts.features), 0.0f);
  for (int64_t c = 0; c < parts.columns; ++c) {
    const int64_t row = row_of[c];
    if (row < 0) continue;
    std::copy_n(w + row * parts.features, parts.features, by_column.data() + c * parts.features);
    const bool inside_reset = p.cell == RecurrentCell::kGruLinear && row >= 2 * p.hidden;
    if (!b) continue;
    packed[parts.bias + c] = inside_reset ? b[row] : b[row] + b[rows + row];
    if (inside_reset) packed[parts.hidden_bias + row - 2 * p.hidden] = b[rows + row];
  }
  cpu::pack_b(parts.gemm(1), config, isa, by_column.data(), {parts.features, true}, packed);
  cpu::pack_recurrent(p, lanes, floats_of(step, kRecurrentR) + direction * rows * p.hidden,
                      packed + parts.recurrent);
  const float* peepholes = floats_of(step, kRecurrentP);
  for (int64_t i = 0; peepholes && i < 3; ++i) {
    std::copy_n(peepholes + (direction * 3 + i) * p.hidden, p.hidden,
                packed + parts.peepholes + i * parts.padded);
  }
}

}  // namespace hone

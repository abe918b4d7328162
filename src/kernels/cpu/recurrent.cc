#include "kernels/cpu/recurrent.h"

#include <algorithm>

namespace hone::cpu {

int recurrent_gates(RecurrentCell cell) {
  return cell == RecurrentCell::kLstm ? 4 : cell == RecurrentCell::kRnn ? 1 : 3;
}

int recurrent_phases(RecurrentCell cell) { return cell == RecurrentCell::kGru ? 2 : 1; }

RecurrentPhase recurrent_phase(const RecurrentProblem& p, int phase, int lanes) {
  const int64_t groups = padded_units(p, lanes) / lanes;
  RecurrentPhase result;
  result.gates = recurrent_gates(p.cell);
  if (p.cell == RecurrentCell::kGru) {
    result.gates = phase == 0 ? 2 : 1;
    result.first_gate = phase == 0 ? 0 : 2;
    result.column = phase == 0 ? 0 : 2 * groups * lanes;
    result.weights = result.column * p.hidden;
  }
  result.groups = kPanelVectors / result.gates;
  result.panels = (groups + result.groups - 1) / result.groups;
  return result;
}

int64_t padded_units(const RecurrentProblem& p, int lanes) {
  return (p.hidden + lanes - 1) / lanes * lanes;
}

int64_t recurrent_columns(const RecurrentProblem& p, int lanes) {
  return recurrent_gates(p.cell) * padded_units(p, lanes);
}

int recurrent_lanes(Isa isa) { return isa == Isa::kAvx2 ? 8 : 16; }

std::vector<int64_t> recurrent_column_rows(const RecurrentProblem& p, int lanes) {
  std::vector<int64_t> rows;
  for (int i = 0; i < recurrent_phases(p.cell); ++i) {
    const RecurrentPhase phase = recurrent_phase(p, i, lanes);
    for (int64_t group = 0; group < padded_units(p, lanes); group += lanes) {
      for (int gate = 0; gate < phase.gates; ++gate) {
        for (int64_t unit = group; unit < group + lanes; ++unit) {
          rows.push_back(unit < p.hidden ? (phase.first_gate + gate) * p.hidden + unit : -1);
        }
      }
    }
  }
  return rows;
}

void pack_recurrent(const RecurrentProblem& p, int lanes, const float* r, float* packed) {
  const std::vector<int64_t> rows = recurrent_column_rows(p, lanes);
  for (int i = 0; i < recurrent_phases(p.cell); ++i) {
    const RecurrentPhase phase = recurrent_phase(p, i, lanes);
    const int64_t end = phase.column + phase.gates * padded_units(p, lanes);
    const int64_t width = phase.gates * phase.groups * lanes;
    for (int64_t first = phase.column; first < end; first += width) {
      const int64_t columns = std::min(width, end - first);
      for (int64_t k = 0; k < p.hidden; ++k) {
        for (int64_t c = first; c < first + columns; ++c) {
          *packed++ = rows[c] >= 0 ? r[rows[c] * p.hidden + k] : 0.0f;
        }
      }
    }
  }
}

RecurrentRun recurrent_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::recurrent
         : isa == Isa::kAvx2 ? avx2::recurrent
                             : portable::recurrent;
}

}  // namespace hone::cpu

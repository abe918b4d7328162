#include "tactics/cpu/transposed_phases.h"

namespace hone {
namespace {

PhaseAxis make_axis(const Window& window, int64_t residue) {
  PhaseAxis axis;
  axis.residue = residue;
  for (int64_t k = 0; k < window.kernel; ++k) {
    if (k * window.dilation % window.stride != residue) continue;
    if (axis.taps == 0) axis.first_tap = k;
    if (axis.taps == 1) axis.tap_step = k - axis.first_tap;
    ++axis.taps;
  }
  if (axis.taps > 0) {
    axis.offset = (axis.first_tap * window.dilation - residue) / window.stride;
  }
  if (axis.taps > 1) axis.dilation = axis.tap_step * window.dilation / window.stride;
  return axis;
}

void place_axis(const Window& window, int64_t out, PhaseAxis* axis) {
  const int64_t s = window.stride;
  axis->first = ((axis->residue - window.pad_begin) % s + s) % s;
  axis->count = out > axis->first ? (out - axis->first + s - 1) / s : 0;
  const int64_t place = (axis->first + window.pad_begin - axis->residue) / s;
  axis->start = place - axis->offset - (axis->taps > 0 ? (axis->taps - 1) * axis->dilation : 0);
}

}  // namespace

std::vector<Phase> make_phases(const PhaseWindows& windows) {
  std::vector<Phase> phases;
  for (int64_t d = 0; d < windows[0].stride; ++d) {
    for (int64_t h = 0; h < windows[1].stride; ++h) {
      for (int64_t w = 0; w < windows[2].stride; ++w) {
        phases.push_back(
            {make_axis(windows[0], d), make_axis(windows[1], h), make_axis(windows[2], w)});
      }
    }
  }
  return phases;
}

void place_phase(const PhaseWindows& windows, const std::array<int64_t, 3>& out, Phase* phase) {
  for (size_t i = 0; i < 3; ++i) place_axis(windows[i], out[i], &(*phase)[i]);
}

cpu::ConvProblem phase_problem(const Phase& phase, int64_t in_c, int64_t out_c, int64_t groups) {
  const auto& [d, h, w] = phase;
  cpu::ConvProblem p;
  p.out_c = out_c;
  p.groups = groups;
  p.in_c = 0;  // where the kernel is smaller than the stride: nothing is added to the bias
  if (has_taps(phase)) {
    p.in_c = in_c;
    p.kernel_d = d.taps;
    p.kernel_h = h.taps;
    p.kernel_w = w.taps;
    p.dilation_d = d.dilation;
    p.dilation_h = h.dilation;
    p.dilation_w = w.dilation;
  }
  p.out_h = h.count;
  p.out_w = w.count;
  p.in_h = h.count + (p.kernel_h - 1) * p.dilation_h;
  p.in_w = w.count + (p.kernel_w - 1) * p.dilation_w;
  return p;
}

void pack_phase(const cpu::ConvProblem& problem, const Phase& phase, const PhaseWindows& windows,
                const cpu::ConvConfig& config, int lanes, const float* weights, float* packed) {
  if (!has_taps(phase)) return;
  const int64_t w = problem.in_c / problem.groups, h = windows[2].kernel * w,
                d = windows[1].kernel * h, o = windows[0].kernel * d;
  const int64_t steps[] = {d, h, w};
  cpu::WeightStrides strides{o, 0, 0, 1, 0};
  int64_t* reversed[] = {&strides.d, &strides.h, &strides.w};
  for (size_t i = 0; i < 3; ++i) {
    const PhaseAxis& axis = phase[i];
    weights += (axis.first_tap + (axis.taps - 1) * axis.tap_step) * steps[i];
    *reversed[i] = -axis.tap_step * steps[i];
  }
  for (const cpu::ConvPanel& panel : cpu::make_panels(problem, config, lanes)) {
    cpu::pack_panel(problem, panel, lanes, weights, strides, packed);
  }
}

}  // namespace hone

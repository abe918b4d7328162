// One step of a recurrent network: for each panel of units and each block of rows of the batch
//
//   sums = projected input                          rows x vectors, in L1
//   for k in blocks: for tiles of rows:             weights from L3 or L2 once, then from L1
//     sums += state[rows][k] * panel[k][vectors]    a register tile, rows x vectors
//   for rows: activations, new state, output
//
// Registers: rows x vectors accumulators, rows broadcasts and one vector of weights: 3x4 = 16 of 16
// on AVX2, 6x4 = 31 of 32 on AVX-512. With one row the step is a matrix-vector product that reads
// every weight once, 4 vectors per k: as fast as L2 or L3 deliver them.
#pragma once

#include <cstdint>

#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/recurrent.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

constexpr int64_t kLineFloats = 16;

// sums[row][vector] += x[row][0..k) * weights[0..k)[vector].
template <class V, int kRows, int kVectors, bool kPrefetch>
struct RecurrentTile {
  static constexpr int kLanes = V::kLanes;
  // 2 FMA units x 4 cycles of latency need 8 independent sums.
  static constexpr int kSets = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;

  V acc[kSets][kRows][kVectors];

  template <int O>
  HONE_SIMD_INLINE void step(const float* const* x, int64_t k, const float* w) {
    V a[kRows];
    HONE_UNROLL for (int i = 0; i < kRows; ++i) a[i] = V::broadcast(x[i][k + O]);
    HONE_UNROLL for (int j = 0; j < kVectors; ++j) {
      const V b = V::load(w + (O * kVectors + j) * kLanes);
      HONE_UNROLL for (int i = 0; i < kRows; ++i) fma_to(acc[O % kSets][i][j], a[i], b);
    }
  }

  // With kPrefetch, `lines` cache lines from `next` on come into L1 with each 4 of k.
  static void run(const float* w, const float* x, int64_t x_stride, int64_t size, float* sums,
                  const float* next, int64_t lines) {
    RecurrentTile tile;
    const float* row[kRows];
    HONE_UNROLL for (int i = 0; i < kRows; ++i) {
      row[i] = x + i * x_stride;
      HONE_UNROLL for (int j = 0; j < kVectors; ++j) {
        tile.acc[0][i][j] = V::load(sums + (i * kPanelVectors + j) * kLanes);
        HONE_UNROLL for (int s = 1; s < kSets; ++s) tile.acc[s][i][j] = V::zero();
      }
    }
    int64_t k = 0;
    for (; k + 4 <= size; k += 4, w += 4 * kVectors * kLanes) {
      for (int64_t i = 0; kPrefetch && i < lines; ++i, next += kLineFloats) {
        __builtin_prefetch(next);
      }
      tile.template step<0>(row, k, w);
      tile.template step<1>(row, k, w);
      tile.template step<2>(row, k, w);
      tile.template step<3>(row, k, w);
    }
    for (; k < size; ++k, w += kVectors * kLanes) tile.template step<0>(row, k, w);
    HONE_UNROLL for (int i = 0; i < kRows; ++i) {
      HONE_UNROLL for (int j = 0; j < kVectors; ++j) {
        V sum = tile.acc[0][i][j];
        if constexpr (kSets == 2) sum = sum + tile.acc[1][i][j];
        if constexpr (kSets == 4) {
          sum = (sum + tile.acc[1][i][j]) + (tile.acc[2][i][j] + tile.acc[3][i][j]);
        }
        sum.store(sums + (i * kPanelVectors + j) * kLanes);
      }
    }
  }
};

using RecurrentTileRun = void (*)(const float*, const float*, int64_t, int64_t, float*,
                                  const float*, int64_t);

template <class V>
struct RecurrentTiles {
  static constexpr int kMaxRows = V::kLanes == 8 ? 3 : 6;
  static constexpr int kBlockRows = 24;                      // rows whose sums are in L1 at once
  RecurrentTileRun run[2][kMaxRows + 1][kPanelVectors + 1];  // [prefetch][rows][vectors]

  template <int kRows, bool kPrefetch>
  constexpr void fill() {
    run[kPrefetch][kRows][1] = RecurrentTile<V, kRows, 1, kPrefetch>::run;
    run[kPrefetch][kRows][2] = RecurrentTile<V, kRows, 2, kPrefetch>::run;
    run[kPrefetch][kRows][3] = RecurrentTile<V, kRows, 3, kPrefetch>::run;
    run[kPrefetch][kRows][4] = RecurrentTile<V, kRows, 4, kPrefetch>::run;
    if constexpr (kRows > 1) fill<kRows - 1, kPrefetch>();
  }
  constexpr RecurrentTiles() : run() {
    fill<kMaxRows, false>();
    fill<kMaxRows, true>();
  }
};

// Whether blocks of weights are prefetched: they come from L3, and more than one and few enough
// tiles use them for the wait to matter. Worth 5 to 8 % at 512 units and batch 4 or 8; elsewhere it
// costs up to 4 %. A single tile reads one long stream, which the hardware sees by itself.
template <class V>
bool recurrent_prefetches(int64_t rows, int64_t weight_floats) {
  constexpr int64_t kL2Floats = 64 << 10;  // 256 KiB
  constexpr int kMaxRows = RecurrentTiles<V>::kMaxRows;
  return rows > kMaxRows && rows <= 4 * kMaxRows && weight_floats > kL2Floats;
}

// All of a panel for `rows` rows, in tiles of nearly equal size. With more than one tile the
// weights come in blocks that stay in L1; each tile prefetches its share of the next block, which
// may be that of the next panel: panels follow each other.
template <class V>
void recurrent_product(const float* w, int vectors, const float* x, int64_t x_stride, int64_t size,
                       int64_t rows, bool prefetch, float* sums) {
  static constexpr RecurrentTiles<V> kTiles;
  constexpr int kMaxRows = RecurrentTiles<V>::kMaxRows;
  const int64_t block_floats = prefetch ? 2048 : 4096;  // together half of a small L1 cache
  const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
  const int64_t width = vectors * V::kLanes;
  const int64_t block = tiles > 1 ? block_floats / width / 4 * 4 : size;
  const int64_t lines = (4 * width / kLineFloats + tiles - 1) / tiles;
  for (int64_t k = 0; k < size; k += block) {
    const int64_t count = size - k < block ? size - k : block;
    const float* next = w + (k + count) * width;
    int64_t row = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t end = rows * (tile + 1) / tiles;
      kTiles.run[prefetch][end - row][vectors](w + k * width, x + row * x_stride + k, x_stride,
                                               count, sums + row * kPanelVectors * V::kLanes, next,
                                               lines);
      next += count / 4 * lines * kLineFloats;
      row = end;
    }
  }
}

// Sigmoid and tanh take about a fifth of a step with 128 units and a large batch, so they do
// without what vec_exp does for results below 1e-37: an exponent is an integer addition. Errors in
// ulp as in math_impl.h; below -86 the sigmoid stays at 4e-38.
//
// 2^n y for y in [0.5, 2) and whole n in [-124, 124].
template <class V>
HONE_SIMD_INLINE V gate_scale(V y, V n) {
  return as_float(as_int(y) + shl<23>(to_int(n)));
}

template <class V>
HONE_SIMD_INLINE V gate_sigmoid(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666650623e-01f, 4.166616872e-02f,
                                 8.370331489e-03f, 1.395293162e-03f};  // as vec_exp
  const V one = V::broadcast(1.0f), limit = V::broadcast(86.0f);
  V n;
  const V r = vec_reduce_ln2(min(limit, max(-limit, -x)), &n);
  return one / (one + gate_scale(fma(r * r, vec_poly(r, kQ), r) + one, n));
}

template <class V>
HONE_SIMD_INLINE V gate_tanh(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666666567e-01f, 4.166633263e-02f,
                                 8.333385922e-03f, 1.394281746e-03f, 1.985042618e-04f};  // as expm1
  const V one = V::broadcast(1.0f);
  V n;
  const V r = vec_reduce_ln2(min(V::broadcast(43.0f), abs(x)) * V::broadcast(-2.0f), &n);
  const V power = gate_scale(one, n);
  const V m = fma(power, fma(r * r, vec_poly(r, kQ), r), power - one);  // exp(-2 |x|) - 1
  return vec_copysign(m / (V::broadcast(2.0f) + m), x);
}

// All but sigmoid and tanh.
template <class V>
V recurrent_other_gate(Gate gate, V x) {
  const V alpha = V::broadcast(gate.alpha), beta = V::broadcast(gate.beta);
  const V zero = V::zero(), one = V::broadcast(1.0f);
  switch (gate.fn) {
    case GateFn::kRelu:
      return max(zero, x);
    case GateFn::kAffine:
      return fma(alpha, x, beta);
    case GateFn::kLeakyRelu:
      return select(lt(x, zero), alpha * x, x);
    case GateFn::kThresholdedRelu:
      return select(le(x, alpha), zero, x);
    case GateFn::kScaledTanh:
      return alpha * gate_tanh(beta * x);
    case GateFn::kHardSigmoid:
      return min(one, max(zero, fma(alpha, x, beta)));
    case GateFn::kElu:
      return select(lt(x, zero), alpha * vec_expm1_negative(min(zero, x)), x);
    case GateFn::kSoftsign:
      return x / (one + abs(x));
    case GateFn::kSoftplus:
      return vec_softplus(x);
    case GateFn::kSigmoid:
    case GateFn::kTanh:
      break;
  }
  return x;
}

template <class V>
HONE_SIMD_INLINE V recurrent_gate(Gate gate, V x) {
  if (gate.fn == GateFn::kSigmoid) return gate_sigmoid(x);
  if (gate.fn == GateFn::kTanh) return gate_tanh(x);
  return recurrent_other_gate(gate, x);
}

// Sigmoid, tanh and tanh (RNN: tanh) without clip.
inline bool recurrent_is_usual(const RecurrentProblem& p) {
  if (p.clip < __builtin_inff()) return false;
  if (p.cell == RecurrentCell::kRnn) return p.f.fn == GateFn::kTanh;
  return p.f.fn == GateFn::kSigmoid && p.g.fn == GateFn::kTanh &&
         (p.cell != RecurrentCell::kLstm || p.h.fn == GateFn::kTanh);
}

// One vector of units of one row.
template <class V, bool kUsual>
struct RecurrentUnits {
  static constexpr int kLanes = V::kLanes;
  const RecurrentProblem& p;
  const RecurrentStep& s;
  int64_t row;     // of the batch
  int64_t unit;    // the first
  int64_t padded;  // units in a row of the states
  V clip;

  V old_h() const { return V::load(s.h + row * padded + unit); }
  V cut(V x) const { return min(clip, max(-clip, x)); }  // keeps NaN
  V f(V x) const {
    if constexpr (kUsual) return gate_sigmoid(x);
    return recurrent_gate(p.f, cut(x));
  }
  V g(V x) const {
    if constexpr (kUsual) return gate_tanh(x);
    return recurrent_gate(p.cell == RecurrentCell::kRnn ? p.f : p.g, cut(x));
  }
  V h(V c) const {
    if constexpr (kUsual) return gate_tanh(c);
    return recurrent_gate(p.h, c);
  }

  void write_y(V y) const {
    float* to = s.y + row * s.y_stride + unit;
    if (p.hidden - unit >= kLanes) {
      y.store(to);
    } else {
      y.store_n(to, static_cast<int>(p.hidden - unit));
    }
  }
  void finish(V new_h) const {
    new_h.store(s.h_next + row * padded + unit);
    write_y(new_h);
  }
  void stay() const {
    old_h().store(s.h_next + row * padded + unit);
    write_y(V::zero());
  }

  V peephole(int which, V c, V sum) const {
    if (s.peepholes == nullptr) return sum;
    return fma(V::load(s.peepholes + which * padded + unit), c, sum);
  }
  void lstm(const float* sums) const {
    float* cell = s.c + row * padded + unit;
    V c = V::load(cell);
    const V i = f(peephole(0, c, V::load(sums)));
    const V forget =
        p.input_forget ? V::broadcast(1.0f) - i : f(peephole(2, c, V::load(sums + 2 * kLanes)));
    const V candidate = g(V::load(sums + 3 * kLanes));
    c = fma(forget, c, i * candidate);
    c.store(cell);
    const V o = f(peephole(1, c, V::load(sums + kLanes)));
    finish(o * h(c));
  }

  // (1 - z) * candidate + z * h
  void gru_mix(V z, V candidate) const { finish(fma(z, old_h() - candidate, candidate)); }
  void gru_gates(const float* sums) const {
    f(V::load(sums)).store(s.update + row * padded + unit);
    (f(V::load(sums + kLanes)) * old_h()).store(s.reset_state + row * padded + unit);
  }
  void gru_hidden(const float* sums) const {
    gru_mix(V::load(s.update + row * padded + unit), g(V::load(sums)));
  }
  // projected: of the hidden gate; its sum holds only what comes from the state.
  void gru_linear(const float* sums, const float* projected) const {
    const V z = f(V::load(sums)), r = f(V::load(sums + kLanes));
    gru_mix(z, g(fma(r, V::load(sums + 2 * kLanes), V::load(projected))));
  }
};

template <class V, bool kUsual>
void recurrent_units(const RecurrentUnits<V, kUsual>& units, int phase, const float* sums,
                     const float* projected) {
  const RecurrentStep& s = units.s;
  if (s.lengths != nullptr && s.time >= s.lengths[units.row]) {
    // Phase 0 of a GRU leaves nothing that a row which stays would read.
    if (units.p.cell != RecurrentCell::kGru || phase == 1) return units.stay();
    V::zero().store(s.reset_state + units.row * units.padded + units.unit);
    return;
  }
  switch (units.p.cell) {
    case RecurrentCell::kLstm:
      return units.lstm(sums);
    case RecurrentCell::kRnn:
      return units.finish(units.g(V::load(sums)));
    case RecurrentCell::kGruLinear:
      return units.gru_linear(sums, projected + 2 * V::kLanes);
    case RecurrentCell::kGru:
      return phase == 0 ? units.gru_gates(sums) : units.gru_hidden(sums);
  }
}

// The sums before the product, for rows [row, row + rows) and the vectors of `groups` groups.
template <class V>
void recurrent_start(const RecurrentProblem& p, const RecurrentStep& s, const float* projected,
                     int64_t rows, int gates, int groups, int64_t unit, float* sums) {
  constexpr int kLanes = V::kLanes;
  for (int64_t n = 0; n < rows; ++n) {
    float* to = sums + n * kPanelVectors * kLanes;
    for (int v = 0; v < gates * groups; ++v) {
      const float* from = projected + n * s.projected_stride + v * kLanes;
      if (p.cell == RecurrentCell::kGruLinear && v % 3 == 2) {
        from = s.hidden_bias + unit + v / 3 * kLanes;
      }
      V::load(from).store(to + v * kLanes);
    }
  }
}

// What the next panel will read of the projected input: short pieces that lie too far apart for the
// hardware to see them coming.
inline void prefetch_projected(const float* projected, int64_t rows, int64_t stride,
                               int64_t columns) {
  for (int64_t n = 0; n < rows; ++n, projected += stride) {
    for (int64_t c = 0; c < columns; c += kLineFloats) __builtin_prefetch(projected + c);
  }
}

template <class V, bool kUsual>
void recurrent_panels(const RecurrentProblem& p, const RecurrentStep& s, int phase_index,
                      int64_t first, int64_t last) {
  constexpr int kLanes = V::kLanes;
  constexpr int64_t kBlockRows = RecurrentTiles<V>::kBlockRows;
  const RecurrentPhase phase = recurrent_phase(p, phase_index, kLanes);
  const int64_t padded = padded_units(p, kLanes);
  const int64_t panel_units = static_cast<int64_t>(phase.groups) * kLanes;
  const float* state = p.cell == RecurrentCell::kGru && phase_index == 1 ? s.reset_state : s.h;
  alignas(64) float sums[kBlockRows * kPanelVectors * kLanes];
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t unit = panel * panel_units;
    const int64_t left = padded - unit < panel_units ? padded - unit : panel_units;
    const int groups = static_cast<int>(left / kLanes);
    const float* weights = s.weights + phase.weights + unit * phase.gates * p.hidden;
    const float* projected = s.projected + phase.column + unit * phase.gates;
    for (int64_t row = 0; row < p.batch; row += kBlockRows) {
      const int64_t rows = p.batch - row < kBlockRows ? p.batch - row : kBlockRows;
      const float* from = projected + row * s.projected_stride;
      recurrent_start<V>(p, s, from, rows, phase.gates, groups, unit, sums);
      const bool prefetch = recurrent_prefetches<V>(rows, padded * phase.gates * p.hidden);
      if (prefetch) {
        prefetch_projected(from + panel_units * phase.gates, rows, s.projected_stride,
                           panel_units * phase.gates);
      }
      recurrent_product<V>(weights, phase.gates * groups, state + row * padded, padded, p.hidden,
                           rows, prefetch, sums);
      for (int64_t n = 0; n < rows; ++n) {
        RecurrentUnits<V, kUsual> units{p, s, row + n, unit, padded, V::broadcast(p.clip)};
        for (int g = 0; g < groups; ++g, units.unit += kLanes) {
          const int64_t column = g * phase.gates * kLanes;
          recurrent_units(units, phase_index, sums + n * kPanelVectors * kLanes + column,
                          from + n * s.projected_stride + column);
        }
      }
    }
  }
}

template <class V>
void recurrent_impl(const RecurrentProblem& p, const RecurrentStep& s, int phase, int64_t first,
                    int64_t last) {
  if (recurrent_is_usual(p)) {
    recurrent_panels<V, true>(p, s, phase, first, last);
  } else {
    recurrent_panels<V, false>(p, s, phase, first, last);
  }
}

}  // namespace
}  // namespace hone::cpu

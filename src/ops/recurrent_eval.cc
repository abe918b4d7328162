// The definition of LSTM, GRU and RNN: plain loops in double, one rounding of what is written.
#include "ops/recurrent_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/eval.h"
#include "ops/recurrent.h"

namespace hone {
namespace {

// All numbers of input i as doubles; empty if it is absent.
std::vector<double> read_input(const EvalContext& context, size_t i) {
  if (i >= context.inputs.size() || context.inputs[i].num_elements() == 0) return {};
  return *context.inputs[i].as_doubles();
}

// Where things of (time t, direction d, sequence n) begin in x, y and the states.
struct Places {
  int64_t steps, batch, features, directions, hidden;
  bool batch_major;

  int64_t x(int64_t t, int64_t n) const {
    return (batch_major ? n * steps + t : t * batch + n) * features;
  }
  int64_t y(int64_t t, int64_t d, int64_t n) const {
    return (batch_major ? (n * steps + t) * directions + d : (t * directions + d) * batch + n) *
           hidden;
  }
  int64_t state(int64_t d, int64_t n) const {
    return (batch_major ? n * directions + d : d * batch + n) * hidden;
  }
};

// One direction of one network.
class Cell {
 public:
  // What all directions share; `direction` picks the parts of it.
  struct Weights {
    std::vector<double> w, r, b, p;
  };
  Cell(const EvalContext& context, const Weights& weights, const Places& places, int64_t direction,
       const GateActivation* activations)
      : kind_(cell_kind(*context.attributes)),
        hidden_(places.hidden),
        features_(places.features),
        clip_(recurrent_attributes(*context.attributes).clip),
        f_(activations[0]),
        g_(activations[kind_ == CellKind::kRnn ? 0 : 1]),
        h_(activations[kind_ == CellKind::kLstm ? 2 : 0]) {
    const int64_t rows = num_gates(kind_) * hidden_;
    w_ = weights.w.data() + direction * rows * features_;
    r_ = weights.r.data() + direction * rows * hidden_;
    if (!weights.b.empty()) b_ = weights.b.data() + direction * 2 * rows;
    if (!weights.p.empty()) p_ = weights.p.data() + direction * 3 * hidden_;
    if (kind_ == CellKind::kLstm) {
      input_forget_ = context.attr<LstmAttributes>().input_forget;
    } else if (kind_ == CellKind::kGru) {
      linear_before_reset_ = context.attr<GruAttributes>().linear_before_reset;
    }
    next_.resize(static_cast<size_t>(hidden_));
    reset_.resize(static_cast<size_t>(hidden_));
  }

  // h and c after one more step.
  void step(const double* x, double* h, double* c) {
    for (int64_t u = 0; u < hidden_; ++u) reset_[u] = 0;
    if (kind_ == CellKind::kGru) {
      for (int64_t u = 0; u < hidden_; ++u) reset_[u] = f_(clip(input(1, u, x) + state(1, u, h)));
    }
    for (int64_t u = 0; u < hidden_; ++u) {
      next_[u] = kind_ == CellKind::kLstm  ? lstm(u, x, h, c + u)
                 : kind_ == CellKind::kGru ? gru(u, x, h)
                                           : f_(clip(input(0, u, x) + state(0, u, h)));
    }
    std::copy(next_.begin(), next_.end(), h);
  }

 private:
  static double dot(const double* a, const double* b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
  }
  // Unit u of gate g: the products with what comes in and with the state, each with its bias.
  double input(int64_t g, int64_t u, const double* x) const {
    const int64_t row = g * hidden_ + u;
    return dot(w_ + row * features_, x, features_) + (b_ ? b_[row] : 0);
  }
  double state(int64_t g, int64_t u, const double* h) const {
    const int64_t row = g * hidden_ + u;
    return dot(r_ + row * hidden_, h, hidden_) + state_bias(g, u);
  }
  double state_bias(int64_t g, int64_t u) const {
    return b_ ? b_[(num_gates(kind_) + g) * hidden_ + u] : 0;
  }
  double clip(double x) const {
    return clip_ == 0 || std::isnan(x) ? x : std::min(std::max(x, -clip_), clip_);
  }
  double peephole(int64_t i, int64_t u, double c) const { return p_ ? p_[i * hidden_ + u] * c : 0; }

  double lstm(int64_t u, const double* x, const double* h, double* c) const {
    const double i = f_(clip(input(0, u, x) + state(0, u, h) + peephole(0, u, *c)));
    const double forget =
        input_forget_ ? 1 - i : f_(clip(input(2, u, x) + state(2, u, h) + peephole(2, u, *c)));
    const double candidate = g_(clip(input(3, u, x) + state(3, u, h)));
    *c = forget * *c + i * candidate;
    const double o = f_(clip(input(1, u, x) + state(1, u, h) + peephole(1, u, *c)));
    return o * h_(*c);
  }

  double gru(int64_t u, const double* x, const double* h) const {
    const double z = f_(clip(input(0, u, x) + state(0, u, h)));
    double from_state;
    if (linear_before_reset_) {
      from_state = reset_[u] * state(2, u, h);
    } else {
      from_state = state_bias(2, u);
      const double* row = r_ + (2 * hidden_ + u) * hidden_;
      for (int64_t k = 0; k < hidden_; ++k) from_state += row[k] * reset_[k] * h[k];
    }
    const double candidate = g_(clip(input(2, u, x) + from_state));
    return (1 - z) * candidate + z * h[u];
  }

  CellKind kind_;
  int64_t hidden_, features_;
  double clip_;
  GateActivation f_, g_, h_;
  const double *w_ = nullptr, *r_ = nullptr, *b_ = nullptr, *p_ = nullptr;
  bool input_forget_ = false, linear_before_reset_ = false;
  std::vector<double> next_, reset_;
};

// Steps of each sequence.
Result<std::vector<int64_t>> sequence_lengths(const EvalContext& context, const Places& places) {
  std::vector<int64_t> lengths(static_cast<size_t>(places.batch), places.steps);
  if (context.inputs.size() <= kRecurrentLens) return lengths;
  const Tensor& tensor = context.inputs[kRecurrentLens];
  for (int64_t n = 0; n < tensor.num_elements(); ++n) {
    lengths[n] = tensor.data<int32_t>()[n];
    if (lengths[n] < 0 || lengths[n] > places.steps) {
      return Status(Code::kShape,
                    fmt::format("sequence_lens has {} for {} steps", lengths[n], places.steps));
    }
  }
  return lengths;
}

template <class T>
void write(const std::vector<double>& values, Tensor* tensor) {
  T* to = mutable_elements<T>(tensor);
  for (double value : values) *to++ = narrow<T>(value);
}

}  // namespace

Status evaluate_recurrent(EvalContext& context) {
  const CellKind kind = cell_kind(*context.attributes);
  const RecurrentAttributes& attributes = recurrent_attributes(*context.attributes);
  HONE_ASSIGN_OR_RETURN(const auto activations, gate_activations(attributes, kind));
  const Tensor& data = context.inputs[kRecurrentX];
  Places places{data.dim(attributes.batch_major ? 1 : 0),
                data.dim(attributes.batch_major ? 0 : 1),
                data.dim(2),
                attributes.direction == "bidirectional" ? 2 : 1,
                context.inputs[kRecurrentR].dim(2),
                attributes.batch_major};
  HONE_ASSIGN_OR_RETURN(const auto lengths, sequence_lengths(context, places));
  for (size_t i = 0; i < context.types.size(); ++i) {
    HONE_RETURN_IF_ERROR(context.allocate_output(i).status());
  }
  const Cell::Weights weights{read_input(context, kRecurrentW), read_input(context, kRecurrentR),
                              read_input(context, kRecurrentB), read_input(context, kRecurrentP)};
  const std::vector<double> x = read_input(context, kRecurrentX);
  const auto states = static_cast<size_t>(places.directions * places.batch * places.hidden);
  std::vector<double> y(static_cast<size_t>(context.outputs[0].num_elements()), 0);
  std::vector<double> h = read_input(context, kRecurrentH), c = read_input(context, kRecurrentC);
  h.resize(states, 0);
  c.resize(states, 0);
  for (int64_t d = 0; d < places.directions; ++d) {
    Cell cell(context, weights, places, d,
              activations.data() + static_cast<size_t>(d) * num_activations(kind));
    const bool reverse = attributes.direction == "reverse" || d == 1;
    for (int64_t n = 0; n < places.batch; ++n) {
      const int64_t at = places.state(d, n);
      if (lengths[n] == 0) {
        std::fill_n(h.data() + at, places.hidden, 0.0);
        std::fill_n(c.data() + at, places.hidden, 0.0);
      }
      for (int64_t s = 0; s < lengths[n]; ++s) {
        const int64_t t = reverse ? lengths[n] - 1 - s : s;
        cell.step(x.data() + places.x(t, n), h.data() + at, c.data() + at);
        std::copy_n(h.data() + at, places.hidden, y.data() + places.y(t, d, n));
      }
    }
  }
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      write<T>(y, &context.outputs[0]);
      write<T>(h, &context.outputs[1]);
      if (kind == CellKind::kLstm) write<T>(c, &context.outputs[2]);
    }
    return ok();
  });
}

}  // namespace hone

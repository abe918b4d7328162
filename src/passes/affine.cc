#include "passes/affine.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "graph/pattern.h"
#include "passes/edit.h"

namespace hone {
namespace {

// One value per channel.
std::optional<std::vector<double>> channel_values(const Value* constant, const Shape& shape) {
  if (!is_per_channel(constant->shape(), shape) &&
      !(is_single(constant->shape()) && constant->shape().size() <= shape.size())) {
    return std::nullopt;
  }
  auto values = constant_as_doubles(constant);
  const auto channels = static_cast<size_t>(shape.back().value());
  if (values && values->size() == 1) values->resize(channels, values->front());
  return values;
}

void set_product(const std::vector<double>& factors, bool divide, Affine* affine) {
  for (size_t i = 0; i < factors.size(); ++i) {
    affine->scale[i] = divide ? 1 / factors[i] : factors[i];
  }
}

// Sub with the constant on the left is c - x.
void set_sum(const std::vector<double>& values, bool subtract, bool constant_left, Affine* affine) {
  affine->shift = values;
  if (!subtract) return;
  for (double& value : constant_left ? affine->scale : affine->shift) value = -value;
}

}  // namespace

void Affine::append(const Affine& next) {
  for (size_t i = 0; i < scale.size(); ++i) {
    scale[i] *= next.scale[i];
    shift[i] = shift[i] * next.scale[i] + next.shift[i];
  }
  sources.insert(sources.end(), next.sources.begin(), next.sources.end());
  length += next.length;
}

void Affine::prepend(const Affine& previous) {
  Affine both = previous;
  both.append(*this);
  *this = std::move(both);
}

bool Affine::has_scale() const {
  return std::any_of(scale.begin(), scale.end(), [](double s) { return s != 1; });
}

bool Affine::has_shift() const {
  return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
}

bool Affine::is_finite() const {
  auto fits = [](double x) { return std::fabs(x) <= FLT_MAX; };  // no for NaN
  return std::all_of(scale.begin(), scale.end(), fits) &&
         std::all_of(shift.begin(), shift.end(), fits);
}

std::optional<Affine> affine_step(const Node* node, Value** input) {
  const bool sum = node->is("Add") || node->is("Sub"), product = node->is("Mul") || node->is("Div");
  if (!node->epilogue().empty() || !(sum || product || node->is("Neg"))) return std::nullopt;
  const Shape& shape = node->output()->shape();
  if (node->output()->dtype() != DataType::f32 || shape.empty() || !shape.back().is_const()) {
    return std::nullopt;
  }
  Affine affine(static_cast<size_t>(shape.back().value()));
  affine.length = 1;
  affine.sources = node->sources();
  const size_t other = !node->is("Neg") && node->input(0)->is_constant() ? 1 : 0;
  *input = node->input(other);
  if ((*input)->is_constant() || (*input)->shape() != shape) return std::nullopt;
  if (node->is("Neg")) {
    std::fill(affine.scale.begin(), affine.scale.end(), -1.0);
    return affine;
  }
  const Value* constant = node->input(1 - other);
  if (!constant->is_constant() || (node->is("Div") && other == 1)) return std::nullopt;
  const auto values = channel_values(constant, shape);
  if (!values) return std::nullopt;
  if (product) {
    set_product(*values, node->is("Div"), &affine);
  } else {
    set_sum(*values, node->is("Sub"), other == 1, &affine);
  }
  return affine;
}

}  // namespace hone

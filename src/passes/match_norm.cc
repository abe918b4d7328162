// A sum of products is taken apart into its factors, so that neither the order of factors nor where
// the exporter put brackets matters.
#include "passes/match_norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

// 1 / sqrt(mean of (x - mean)^2 + epsilon).
struct Deviation {
  const Value* root = nullptr;  // the value below the square root: tells one from another
  Value* data = nullptr;
  Value* mean = nullptr;  // null: mean of x^2
  std::vector<int64_t> axes;
  double epsilon = 0;
};

struct Product {
  bool negative = false;
  std::vector<Value*> factors;  // without the deviation
  std::optional<Deviation> deviation;
};

// The axes over which `value` is the mean of something; nothing if it is none.
std::optional<std::vector<int64_t>> mean_axes(const Value* value) {
  const Node* node = producer(value, "ReduceMean");
  if (!node || !node->attr<ReduceAttributes>().keepdims) return std::nullopt;
  const size_t rank = node->input(0)->shape().size();
  std::vector<int64_t> axes = node->attr<ReduceAttributes>().axes;
  for (size_t i = 0; axes.empty() && i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  for (int64_t& axis : axes) axis = positive_axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  return axes;
}

// The shortest decimal of the same float: 0.001 for 0.001f, which is 5e-11 away.
double short_decimal(double value) {
  return parse_double(fmt::format("{}", static_cast<float>(value))).value_or(value);
}

// Whether `mean` is the mean of x over `axes`.
bool is_mean_of(const Value* mean, const Value* x, const std::vector<int64_t>& axes) {
  const auto found = mean_axes(mean);
  return found && *found == axes && mean->producer()->input(0) == x;
}

class Matcher {
 public:
  std::optional<NormMatch> match(Node* root);

 private:
  struct Term {
    Value* value;
    bool negative;
  };

  void visit(const Node* node) {
    if (std::find(nodes_.begin(), nodes_.end(), node) == nodes_.end()) nodes_.push_back(node);
  }
  // The node that makes `value`, remembered as part of the match.
  Node* step(const Value* value, const char* op) {
    Node* node = producer(value, op);
    if (node) visit(node);
    return node;
  }
  Value* square_root(const Value* value);   // s of sqrt(s)
  Value* inverse_root(const Value* value);  // s of 1 / sqrt(s)
  std::optional<Deviation> deviation(Value* below_root);
  bool spread(const Value* squares, Deviation* result);
  void split_terms(Value* value, bool negative, std::vector<Term>* terms);
  void split_product(Value* value, Product* product);
  bool complete(const std::vector<Product>& products, NormMatch* match);
  bool find_centre(const Deviation& d, std::vector<Value*>* factors);
  bool take_correction(const std::vector<Product>& products, const Product& main,
                       const std::vector<Value*>& scale, std::vector<const Product*>* rest);

  std::vector<const Node*> nodes_;
};

Value* Matcher::square_root(const Value* value) {
  if (const Node* node = producer(value, "Sqrt")) return node->input(0);
  const Node* node = producer(value, "Pow");
  return node && splat_value(node->input(1)) == 0.5 ? node->input(0) : nullptr;
}

Value* Matcher::inverse_root(const Value* value) {
  if (const Node* node = producer(value, "Rsqrt")) return node->input(0);
  if (const Node* node = producer(value, "Reciprocal")) return square_root(node->input(0));
  if (const Node* node = producer(value, "Div")) {
    return splat_value(node->input(0)) == 1.0 ? square_root(node->input(1)) : nullptr;
  }
  const Node* node = producer(value, "Pow");
  return node && splat_value(node->input(1)) == -0.5 ? node->input(0) : nullptr;
}

// Sets data, mean and axes from what the mean is taken of.
bool Matcher::spread(const Value* squares, Deviation* result) {
  if (const Node* difference = step(squares, "SquaredDifference")) {
    for (int i = 0; i < 2; ++i) {
      result->data = difference->input(i);
      result->mean = difference->input(1 - i);
      if (is_mean_of(result->mean, result->data, result->axes)) return true;
    }
    return false;
  }
  const Node* square = step(squares, "Square");
  if (!square) return false;
  result->data = square->input(0);
  result->mean = nullptr;
  const Node* centred = producer(square->input(0), "Sub");
  if (centred && is_mean_of(centred->input(1), centred->input(0), result->axes)) {
    visit(centred);
    result->data = centred->input(0);
    result->mean = centred->input(1);
  }
  return true;
}

std::optional<Deviation> Matcher::deviation(Value* below_root) {
  const Node* sum = producer(below_root, "Add");
  if (!sum) return std::nullopt;
  Deviation result;
  result.root = below_root;
  const int constant = sum->input(1)->is_constant() ? 1 : 0;
  if (!is_scalar_constant(sum->input(constant), &result.epsilon)) return std::nullopt;
  result.epsilon = short_decimal(result.epsilon);
  const Value* variance = sum->input(1 - constant);
  auto axes = mean_axes(variance);
  if (!axes) return std::nullopt;
  result.axes = std::move(*axes);
  if (!spread(variance->producer()->input(0), &result)) return std::nullopt;
  visit(sum);
  visit(variance->producer());
  if (result.mean) visit(result.mean->producer());
  return result;
}

constexpr size_t kMaxTerms = 3, kMaxFactors = 4;

void Matcher::split_terms(Value* value, bool negative, std::vector<Term>* terms) {
  if (terms->size() > kMaxTerms) return;
  if (const Node* node = step(value, "Neg")) {
    split_terms(node->input(0), !negative, terms);
  } else if (const Node* node = step(value, "Add")) {
    split_terms(node->input(0), negative, terms);
    split_terms(node->input(1), negative, terms);
  } else if (const Node* node = step(value, "Sub")) {
    split_terms(node->input(0), negative, terms);
    split_terms(node->input(1), !negative, terms);
  } else {
    terms->push_back({value, negative});
  }
}

void Matcher::split_product(Value* value, Product* product) {
  if (product->factors.size() > kMaxFactors) return;
  if (const Node* node = producer(value, "Mul")) {
    visit(node);
    split_product(node->input(0), product);
    split_product(node->input(1), product);
    return;
  }
  if (const Node* node = producer(value, "Neg")) {
    visit(node);
    product->negative = !product->negative;
    split_product(node->input(0), product);
    return;
  }
  Value* below = inverse_root(value);
  const Node* quotient = below ? nullptr : producer(value, "Div");
  if (quotient) below = square_root(quotient->input(1));
  auto found = below && !product->deviation ? deviation(below) : std::nullopt;
  if (!found) {
    product->factors.push_back(value);
    return;
  }
  visit(value->producer());
  const Value* root = value->producer()->input(quotient ? 1 : 0);
  if (root != below && root->producer()) visit(root->producer());  // Sqrt
  product->deviation = std::move(found);
  if (quotient) split_product(quotient->input(0), product);
}

bool erase_one(std::vector<Value*>* values, const Value* value) {
  const auto found = std::find(values->begin(), values->end(), value);
  if (found == values->end()) return false;
  values->erase(found);
  return true;
}

// Takes x - mean out of the factors.
bool Matcher::find_centre(const Deviation& d, std::vector<Value*>* factors) {
  for (Value* factor : *factors) {
    const Node* node = producer(factor, "Sub");
    if (!node || node->input(0) != d.data || node->input(1) != d.mean) continue;
    visit(node);
    return erase_one(factors, factor);
  }
  return false;
}

// Finds -mean * (what x is multiplied with); the other products go to `rest`.
bool Matcher::take_correction(const std::vector<Product>& products, const Product& main,
                              const std::vector<Value*>& scale, std::vector<const Product*>* rest) {
  bool found = false;
  for (const Product& product : products) {
    if (&product == &main) continue;
    std::vector<Value*> factors = product.factors;
    const bool same = !found && product.negative && product.deviation &&
                      product.deviation->root == main.deviation->root &&
                      erase_one(&factors, main.deviation->mean) && factors == scale;
    found = found || same;
    if (!same) rest->push_back(&product);
  }
  return found;
}

// Looks for the product with x, then for what belongs to it.
bool Matcher::complete(const std::vector<Product>& products, NormMatch* match) {
  for (const Product& main : products) {
    if (!main.deviation || main.negative) continue;
    const Deviation& d = *main.deviation;
    std::vector<Value*> scale = main.factors;
    std::vector<const Product*> rest;
    if (d.mean && find_centre(d, &scale)) {
      for (const Product& product : products) {
        if (&product != &main) rest.push_back(&product);
      }
    } else if (!erase_one(&scale, d.data)) {
      continue;
    } else if (d.mean && !take_correction(products, main, scale, &rest)) {
      continue;
    } else if (!d.mean && products.size() > 1) {
      continue;  // the sum stays behind; its operand is looked at by itself
    }
    if (scale.size() > 1 || rest.size() > 1) continue;
    if (!rest.empty() &&
        (rest[0]->negative || rest[0]->deviation || rest[0]->factors.size() != 1)) {
      continue;
    }
    match->data = d.data;
    match->centred = d.mean != nullptr;
    match->axes = d.axes;
    match->epsilon = d.epsilon;
    match->scale = scale.empty() ? nullptr : scale[0];
    match->bias = rest.empty() ? nullptr : rest[0]->factors[0];
    return true;
  }
  return false;
}

std::optional<NormMatch> Matcher::match(Node* root) {
  std::vector<Term> terms;
  split_terms(root->output(), false, &terms);
  if (terms.size() > kMaxTerms) return std::nullopt;
  std::vector<Product> products;
  for (const Term& term : terms) {
    Product& product = products.emplace_back();
    product.negative = term.negative;
    split_product(term.value, &product);
  }
  NormMatch match;
  if (!complete(products, &match)) return std::nullopt;
  if (match.data->shape() != root->output()->shape()) return std::nullopt;
  // Dimensions of size 1 make no difference.
  const Shape& shape = match.data->shape();
  std::erase_if(match.axes, [&](int64_t axis) { return shape[axis] == Dim(1); });
  if (match.axes.empty()) return std::nullopt;
  match.nodes = std::move(nodes_);
  return match;
}

}  // namespace

std::optional<NormMatch> match_norm(Node* root) {
  const bool sum = root->is("Add") || root->is("Sub");
  if (!sum && !root->is("Mul") && !root->is("Div")) return std::nullopt;
  if (!root->epilogue().empty() || root->output()->dtype() != DataType::f32) return std::nullopt;
  return Matcher().match(root);
}

}  // namespace hone

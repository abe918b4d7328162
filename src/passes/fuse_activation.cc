#include "passes/fuse_activation.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
constexpr size_t kMaxFactors = 4;

bool near(double a, double b) { return std::fabs(a - b) <= 1e-6 * std::fabs(b); }

// A constant times values; whole powers are that many factors.
struct Product {
  double constant = 1;
  std::vector<Value*> factors;
};

void split(Value* value, Product* product) {
  if (product->factors.size() > kMaxFactors) return;
  double constant = 0;
  if (is_scalar_constant(value, &constant)) {
    product->constant *= constant;
  } else if (const Node* node = producer(value, "Mul")) {
    split(node->input(0), product);
    split(node->input(1), product);
  } else if (const Node* node = producer(value, "Neg")) {
    product->constant = -product->constant;
    split(node->input(0), product);
  } else if (const Node* node = producer(value, "Square")) {
    split(node->input(0), product);
    split(node->input(0), product);
  } else if (const Node* node = producer(value, "Div");
             node && is_scalar_constant(node->input(1), &constant)) {
    product->constant /= constant;
    split(node->input(0), product);
  } else if (const Node* node = producer(value, "Pow");
             node && is_scalar_constant(node->input(1), &constant) && constant == 3) {
    for (int i = 0; i < 3; ++i) split(node->input(0), product);
  } else {
    product->factors.push_back(value);
  }
}

Product split(Value* value) {
  Product product;
  split(value, &product);
  return product;
}

// constant * x^power.
bool is_power(Value* value, const Value* x, size_t power, double constant) {
  const Product p = split(value);
  return p.factors.size() == power && near(p.constant, constant) &&
         std::all_of(p.factors.begin(), p.factors.end(), [x](Value* v) { return v == x; });
}

// v of v + constant; null if it is something else.
Value* without_sum(const Value* value, double constant) {
  const Node* node = producer(value, "Add");
  double found = 0;
  const bool matches = node && is_scalar_constant(node->input(1), &found) && near(found, constant);
  return matches ? node->input(0) : nullptr;
}

Value* input_of(const Value* value, const char* op) {
  const Node* node = producer(value, op);
  return node ? node->input(0) : nullptr;
}

// a of a * (f + 1) for a factor a * f + a, and f.
Value* without_one(const Value* factor, double* scale) {
  const Node* node = producer(factor, "Add");
  double one = 0;
  if (!node || !is_scalar_constant(node->input(1), &one) || one == 0) return nullptr;
  const Product p = split(node->input(0));
  if (p.factors.size() != 1 || !near(p.constant, one)) return nullptr;
  *scale *= one;
  return p.factors[0];
}

// sqrt(2 / pi) (x + 0.044715 x^3), with x inside or outside of the brackets.
bool is_tanh_argument(Value* value, const Value* x) {
  const Product p = split(value);
  if (!near(p.constant, kSqrtTwoOverPi)) return false;
  if (p.factors.size() == 1) {
    const Node* sum = producer(p.factors[0], "Add");
    if (!sum) return false;
    for (int i = 0; i < 2; ++i) {
      if (sum->input(i) == x && is_power(sum->input(1 - i), x, 3, 0.044715)) return true;
    }
    return false;
  }
  if (p.factors.size() != 2) return false;
  const int other = p.factors[0] == x ? 1 : 0;
  Value* square = p.factors[1 - other] == x ? without_sum(p.factors[other], 1) : nullptr;
  return square && is_power(square, x, 2, 0.044715);
}

bool is_softplus(const Value* value, const Value* x) {
  if (const Value* in = input_of(value, "Softplus")) return in == x;
  const Value* exp = input_of(value, "Log1p");
  if (!exp) {
    const Value* sum = input_of(value, "Log");
    exp = sum ? without_sum(sum, 1) : nullptr;
  }
  return exp && input_of(exp, "Exp") == x;
}

// min(max(x + 3, 0), 6).
bool is_relu6_of_three_more(const Value* value, const Value* x) {
  const Node* min = producer(value, "Min");
  double limit = 0;
  if (!min || !is_scalar_constant(min->input(1), &limit) || limit != 6) return false;
  const Value* inner = input_of(min->input(0), "Relu");
  return inner && without_sum(inner, 3) == x;
}

bool is_hard_sigmoid(const Value* value, const Value* x) {
  const Node* node = producer(value, "HardSigmoid");
  double alpha = 0, beta = 0;
  return node && node->input(0) == x && is_scalar_constant(node->input(1), &alpha) &&
         is_scalar_constant(node->input(2), &beta) && near(alpha, 1.0 / 6) && beta == 0.5;
}

// The operator that constant * x * factor is; null if none.
const char* activation(double constant, const Value* x, Value* factor) {
  if (is_relu6_of_three_more(factor, x)) return near(constant, 1.0 / 6) ? "HardSwish" : nullptr;
  if (is_hard_sigmoid(factor, x)) return constant == 1 ? "HardSwish" : nullptr;
  if (const Value* in = input_of(factor, "Tanh")) {
    return constant == 1 && is_softplus(in, x) ? "Mish" : nullptr;
  }
  if (Value* in = input_of(factor, "Erfc")) {
    return constant == 0.5 && is_power(in, x, 1, -kSqrtHalf) ? "Gelu" : nullptr;
  }
  const Value* inner = without_one(factor, &constant);
  if (!inner || constant != 0.5) return nullptr;
  if (Value* in = input_of(inner, "Erf")) return is_power(in, x, 1, kSqrtHalf) ? "Gelu" : nullptr;
  Value* in = input_of(inner, "Tanh");
  return in && is_tanh_argument(in, x) ? "GeluTanh" : nullptr;
}

Result<bool> fuse(Graph& graph, Node* root) {
  if (!root->is("Mul") && !root->is("Div")) return false;
  if (!root->epilogue().empty() || root->output()->dtype() != DataType::f32) return false;
  const Product product = split(root->output());
  if (product.factors.size() != 2) return false;
  for (int i = 0; i < 2; ++i) {
    Value* x = product.factors[i];
    const char* name = activation(product.constant, x, product.factors[1 - i]);
    if (!name || x->shape() != root->output()->shape()) continue;
    HONE_RETURN_IF_ERROR(replace_node(graph, root, name, {}, {x}).status());
    return true;
  }
  return false;
}

}  // namespace

Result<bool> fuse_activation(Graph& graph) {
  bool changed = false;
  const std::vector<Node*> nodes = graph.nodes();
  // From the end: a product is met at its last factor. The others are dead then, and pass by.
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if ((*node)->output()->uses().empty() && !(*node)->output()->is_graph_output()) continue;
    HONE_ASSIGN_OR_RETURN(const bool fused, fuse(graph, *node));
    changed = changed || fused;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone

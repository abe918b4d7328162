#include "graph/einsum.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "ops/ops.h"

namespace hone {
namespace {

// A letter, or kEllipsis + the number of a dimension of the ellipsis, counted from its end.
using Labels = std::vector<int>;
constexpr int kEllipsis = 256;

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

Labels select(const Labels& labels, const std::function<bool(int)>& keep) {
  Labels result;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(result), keep);
  return result;
}

Labels operator+(Labels a, const Labels& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// --- The equation.

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Labels of one term. `ellipsis`: how many dimensions "..." stands for.
Result<Labels> parse_term(std::string_view term, size_t ellipsis) {
  Labels labels;
  bool seen = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.substr(i, 3) == "..." && !seen) {
      for (size_t k = ellipsis; k > 0; --k) labels.push_back(kEllipsis + static_cast<int>(k));
      seen = true;
      i += 2;
    } else if (!is_letter(term[i])) {
      return Status(Code::kModel, fmt::format("the term '{}' of the equation", term));
    } else if (contains(labels, term[i])) {
      return Status(Code::kUnsupported,
                    fmt::format("the label '{}' is twice in the term '{}'", term[i], term));
    } else {
      labels.push_back(term[i]);
    }
  }
  return labels;
}

std::vector<std::string> split_terms(const std::string& text) {
  std::vector<std::string> terms(1);
  for (char c : text) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  return terms;
}

struct Equation {
  std::vector<Labels> operands;
  Labels result;
};

// Labels that are there once, sorted, behind the ellipsis.
Labels implicit_result(const std::vector<Labels>& operands, size_t ellipsis) {
  std::map<int, int> counts;
  for (const Labels& labels : operands) {
    for (int label : labels) ++counts[label];
  }
  Labels result;
  for (size_t k = ellipsis; k > 0; --k) result.push_back(kEllipsis + static_cast<int>(k));
  for (const auto& [label, count] : counts) {
    if (label < kEllipsis && count == 1) result.push_back(label);
  }
  return result;
}

Result<Equation> parse_equation(std::string_view text, const std::vector<Value*>& values) {
  std::string compact;
  std::copy_if(text.begin(), text.end(), std::back_inserter(compact),
               [](char c) { return c != ' '; });
  const size_t arrow = compact.find("->");
  const std::vector<std::string> terms = split_terms(compact.substr(0, arrow));
  if (terms.size() != values.size()) {
    return Status(Code::kModel, fmt::format("the equation '{}' has {} operands, the node {}",
                                            compact, terms.size(), values.size()));
  }
  Equation equation;
  size_t widest = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const size_t rank = values[i]->shape().size();
    const bool open = terms[i].find("...") != std::string::npos;
    const size_t letters = terms[i].size() - (open ? 3 : 0);
    if (letters > rank || (letters < rank && !open)) {
      return Status(Code::kModel,
                    fmt::format("operand {} has rank {}, its term is '{}'", i, rank, terms[i]));
    }
    widest = std::max(widest, rank - letters);
    HONE_ASSIGN_OR_RETURN(equation.operands.emplace_back(), parse_term(terms[i], rank - letters));
  }
  if (arrow == std::string::npos) {
    equation.result = implicit_result(equation.operands, widest);
    return equation;
  }
  const std::string result = compact.substr(arrow + 2);
  if (widest > 0 && result.find("...") == std::string::npos) {
    return Status(Code::kUnsupported, "the sum over an ellipsis");
  }
  HONE_ASSIGN_OR_RETURN(equation.result, parse_term(result, widest));
  for (int label : equation.result) {
    if (std::any_of(equation.operands.begin(), equation.operands.end(),
                    [label](const Labels& labels) { return contains(labels, label); })) {
      continue;
    }
    return Status(Code::kModel, fmt::format("no operand has the label '{}' of the result",
                                            static_cast<char>(label)));
  }
  return equation;
}

// --- The nodes.

struct Operand {
  Value* value = nullptr;
  Labels labels;
};

class Builder {
 public:
  Builder(Graph& graph, const EmitNode& emit) : graph_(graph), emit_(emit) {}

  // The labels of `order` in their order; others are summed.
  Result<Operand> arrange(Operand in, const Labels& order);
  // The product, summed over labels that are not `needed`. `order`: of the result, as far as it is
  // known.
  Result<Operand> contract(Operand a, Operand b, const Labels& needed, const Labels& order);

 private:
  Result<Operand> sum(Operand in, const Labels& needed);
  Result<Operand> transpose(Operand in, const Labels& order);
  Result<Value*> join(const Operand& in, const std::vector<Labels>& groups);
  Result<Value*> separate(Value* joined, size_t batch, const Labels& labels, const Operand& a,
                          const Operand& b);
  Result<Value*> size_of(Value* value, size_t axis);
  Result<Operand> multiply(Operand a, Operand b, const Labels& order);
  Result<Value*> unsqueezed(const Operand& in, const Labels& order);

  Value* ints(const std::vector<int64_t>& values) {
    const auto size = static_cast<int64_t>(values.size());
    return graph_.add_constant("einsum/const", Tensor::from<int64_t>({size}, values));
  }

  Graph& graph_;
  const EmitNode& emit_;
};

Result<Operand> Builder::sum(Operand in, const Labels& needed) {
  ReduceAttributes attributes{{}, false};
  for (size_t i = 0; i < in.labels.size(); ++i) {
    if (!contains(needed, in.labels[i])) attributes.axes.push_back(static_cast<int64_t>(i));
  }
  if (attributes.axes.empty()) return in;
  HONE_ASSIGN_OR_RETURN(in.value, emit_("ReduceSum", attributes, {in.value}));
  in.labels = select(in.labels, [&](int label) { return contains(needed, label); });
  return in;
}

// REQUIRES: the same labels.
Result<Operand> Builder::transpose(Operand in, const Labels& order) {
  if (in.labels == order) return in;
  TransposeAttributes attributes;
  for (int label : order) {
    const auto at = std::find(in.labels.begin(), in.labels.end(), label);
    attributes.perm.push_back(at - in.labels.begin());
  }
  HONE_ASSIGN_OR_RETURN(in.value, emit_("Transpose", attributes, {in.value}));
  in.labels = order;
  return in;
}

Result<Operand> Builder::arrange(Operand in, const Labels& order) {
  HONE_ASSIGN_OR_RETURN(in, sum(std::move(in), order));
  return transpose(std::move(in), order);
}

// One dimension for each group of neighbouring labels; 1 for an empty one.
Result<Value*> Builder::join(const Operand& in, const std::vector<Labels>& groups) {
  std::string shape;
  size_t axis = 0;
  bool changed = false;
  for (const Labels& group : groups) {
    shape += shape.empty() ? "[" : ",";
    if (group.empty()) shape += "1";
    for (size_t i = 0; i < group.size(); ++i) shape += fmt::format("{}d{}", i ? "*" : "", axis++);
    changed = changed || group.size() != 1;
  }
  if (!changed) return in.value;
  return emit_("Reshape", ReshapeAttributes{false, shape + "]"}, {in.value});
}

Result<Value*> Builder::size_of(Value* value, size_t axis) {
  const Dim& dim = value->shape()[axis];
  if (dim.is_const()) return ints({dim.value()});
  HONE_ASSIGN_OR_RETURN(Value * shape, emit_("Shape", {}, {value}));
  const auto begin = static_cast<int64_t>(axis);
  return emit_("Slice", {}, {shape, ints({begin}), ints({begin + 1})});
}

// The opposite of join: `labels` in the place of the dimensions, of which the first `batch` stay.
Result<Value*> Builder::separate(Value* joined, size_t batch, const Labels& labels,
                                 const Operand& a, const Operand& b) {
  if (labels.empty()) return emit_("Reshape", {}, {joined, ints({})});
  std::vector<Value*> sizes;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool in_a = contains(a.labels, labels[i]);
    const Operand& owner = in_a ? a : b;
    const auto at = std::find(owner.labels.begin(), owner.labels.end(), labels[i]);
    HONE_ASSIGN_OR_RETURN(
        Value * size, i < batch
                          ? size_of(joined, i)
                          : size_of(owner.value, static_cast<size_t>(at - owner.labels.begin())));
    sizes.push_back(size);
  }
  HONE_ASSIGN_OR_RETURN(Value * shape, emit_("Concat", ConcatAttributes{0}, std::move(sizes)));
  return emit_("Reshape", ReshapeAttributes{.allowzero = true}, {joined, shape});
}

// `in` with dimensions of size 1 for the labels that it lacks.
Result<Value*> Builder::unsqueezed(const Operand& in, const Labels& order) {
  AxesAttributes attributes;
  for (size_t i = 0; i < order.size(); ++i) {
    if (!contains(in.labels, order[i])) attributes.axes.push_back(static_cast<int64_t>(i));
  }
  if (attributes.axes.empty()) return in.value;
  return emit_("Unsqueeze", attributes, {in.value});
}

// Nothing is summed: a product that broadcasts.
Result<Operand> Builder::multiply(Operand a, Operand b, const Labels& order) {
  Value* factors[2];
  for (int i = 0; i < 2; ++i) {
    Operand& in = i == 0 ? a : b;
    const Labels own = select(order, [&](int label) { return contains(in.labels, label); });
    HONE_ASSIGN_OR_RETURN(in, transpose(std::move(in), own));
    HONE_ASSIGN_OR_RETURN(factors[i], unsqueezed(in, order));
  }
  HONE_ASSIGN_OR_RETURN(Value * product, emit_("Mul", {}, {factors[0], factors[1]}));
  return Operand{product, order};
}

// Whether to compute the transposed product b * a: constant weights belong on the right, where they
// are packed once; else the side whose label is last in the result.
bool should_swap(const Operand& a, const Operand& b, const Labels& rows, const Labels& columns,
                 bool batched, const Labels& order) {
  if (!batched && a.value->is_constant() != b.value->is_constant()) return a.value->is_constant();
  return !order.empty() && !columns.empty() && contains(rows, order.back());
}

Result<Operand> Builder::contract(Operand a, Operand b, const Labels& needed, const Labels& order) {
  HONE_ASSIGN_OR_RETURN(a, sum(std::move(a), needed + b.labels));
  HONE_ASSIGN_OR_RETURN(b, sum(std::move(b), needed + a.labels));
  const auto in_a = [&](int label) { return contains(a.labels, label); };
  const auto in_b = [&](int label) { return contains(b.labels, label); };
  // All labels, those of the result first in its order.
  Labels all = order;
  for (int label : a.labels + b.labels) {
    if (!contains(all, label)) all.push_back(label);
  }
  const Labels inner = select(a.labels, [&](int l) { return in_b(l) && !contains(needed, l); });
  if (inner.empty()) {
    const Labels own = select(all, [&](int l) { return in_a(l) || in_b(l); });
    return multiply(std::move(a), std::move(b), own);
  }
  const Labels batch =
      select(all, [&](int l) { return in_a(l) && in_b(l) && contains(needed, l); });
  Labels rows = select(all, [&](int l) { return in_a(l) && !in_b(l); });
  Labels columns = select(all, [&](int l) { return !in_a(l) && in_b(l); });
  if (should_swap(a, b, rows, columns, !batch.empty(), order)) {
    std::swap(a, b);
    std::swap(rows, columns);
  }
  // The right matrix as it lies, if its last label is summed: kernels read both orders.
  const bool transposed = !b.value->is_constant() && contains(inner, b.labels.back());
  const Labels right = transposed ? columns + inner : inner + columns;
  HONE_ASSIGN_OR_RETURN(a, transpose(std::move(a), batch + rows + inner));
  HONE_ASSIGN_OR_RETURN(b, transpose(std::move(b), batch + right));
  std::vector<Labels> left_groups, right_groups;
  for (int label : batch) left_groups.push_back({label}), right_groups.push_back({label});
  if (batch.empty() && !rows.empty()) {
    for (int label : rows) left_groups.push_back({label});  // MatMul takes any number of rows
  } else {
    left_groups.push_back(rows);
  }
  left_groups.push_back(inner);
  right_groups.push_back(transposed ? columns : inner);
  right_groups.push_back(transposed ? inner : columns);
  HONE_ASSIGN_OR_RETURN(Value * left, join(a, left_groups));
  HONE_ASSIGN_OR_RETURN(Value * weights, join(b, right_groups));
  HONE_ASSIGN_OR_RETURN(Value * product,
                        emit_("MatMul", MatMulAttributes{false, transposed}, {left, weights}));
  const bool as_is = columns.size() == 1 && (rows.size() == 1 || (batch.empty() && !rows.empty()));
  Labels labels = batch + rows + columns;
  if (!as_is) {
    HONE_ASSIGN_OR_RETURN(product, separate(product, batch.size(), labels, a, b));
  }
  return Operand{product, std::move(labels)};
}

}  // namespace

Result<Value*> build_einsum(Graph& graph, std::string_view equation,
                            const std::vector<Value*>& operands, const EmitNode& emit) {
  if (operands.empty()) return Status(Code::kModel, "it has no operands");
  HONE_ASSIGN_OR_RETURN(const Equation parsed, parse_equation(equation, operands));
  Builder builder(graph, emit);
  Operand result{operands[0], parsed.operands[0]};
  for (size_t i = 1; i < operands.size(); ++i) {
    Labels needed = parsed.result;
    for (size_t k = i + 1; k < operands.size(); ++k) needed = needed + parsed.operands[k];
    const bool last = i + 1 == operands.size();
    HONE_ASSIGN_OR_RETURN(
        result, builder.contract(std::move(result), {operands[i], parsed.operands[i]}, needed,
                                 last ? parsed.result : Labels()));
  }
  HONE_ASSIGN_OR_RETURN(result, builder.arrange(std::move(result), parsed.result));
  return result.value;
}

}  // namespace hone

// Makes the record of a pointwise operator from one generic lambda. A new operator is:
//
//   pointwise_op("Square", "x * x", [](auto x) { return x * x; }, {.domain = Domain::kNumber})
//
// The lambda is instantiated for float, double and (not by pointwise_float_op) int64_t. It takes
// one argument per input. Booleans come as 0 and 1. Integers must not overflow in C++'s sense: use
// wrapping_add and its like; results are cut to the width of the dtype.
#pragma once

#include <cmath>
#include <type_traits>

#include "ops/op_def.h"
#include "ops/pointwise_blocks.h"
#include "ops/wrapping.h"

namespace hone {

// The dtypes an operator takes. All inputs have the same.
enum class Domain {
  kFloat,   // floating point
  kNumber,  // floating point and integers
  kInteger,
  kBoolean,
  kAny,  // numbers and booleans
};

struct PointwiseRule {
  Domain domain = Domain::kFloat;
  bool boolean_result = false;
  bool commutative = false;
  // Integers: an input 1 that is 0 is an error.
  bool divides = false;
  // The same for elements of shape tensors, where it can be expressed; may give Dim::invalid().
  Dim (*dim)(const Dim* args) = nullptr;
};

// --- Implementation.

Status infer_pointwise(const PointwiseRule& rule, InferContext& context);
Status evaluate_pointwise(const PointwiseInfo& info, bool divides, EvalContext& context);

namespace internal {

// How many arguments a generic lambda takes.
template <class F>
constexpr int pointwise_arity() {
  if constexpr (std::is_invocable_v<F, double>) {
    return 1;
  } else if constexpr (std::is_invocable_v<F, double, double>) {
    return 2;
  } else {
    static_assert(std::is_invocable_v<F, double, double, double>);
    return 3;
  }
}

template <class F, class T>
T call_pointwise(const T* x) {
  constexpr int kArity = pointwise_arity<F>();
  if constexpr (kArity == 1) {
    return static_cast<T>(F()(x[0]));
  } else if constexpr (kArity == 2) {
    return static_cast<T>(F()(x[0], x[1]));
  } else {
    return static_cast<T>(F()(x[0], x[1], x[2]));
  }
}

template <class F, class T>
void call_pointwise_block(const T* const* args, T* out, int64_t n) {
  constexpr int kArity = pointwise_arity<F>();
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kArity == 1) {
      out[i] = static_cast<T>(F()(args[0][i]));
    } else if constexpr (kArity == 2) {
      out[i] = static_cast<T>(F()(args[0][i], args[1][i]));
    } else {
      out[i] = static_cast<T>(F()(args[0][i], args[1][i], args[2][i]));
    }
  }
}

// What infer and evaluate, plain function pointers, know about their operator. Each lambda has a
// type of its own; written once, when the registry is made.
template <class F>
struct PointwiseRecord {
  static inline PointwiseRule rule;
  static inline PointwiseInfo info;
};

}  // namespace internal

// Without an int64_t form: for lambdas that do not compile for integers.
template <class F>
OpDef pointwise_float_op(const char* name, const char* summary, F, PointwiseRule rule = {}) {
  static_assert(std::is_empty_v<F>, "the lambda must not capture");
  using Record = internal::PointwiseRecord<F>;
  OpDef op;
  op.name = name;
  op.summary = summary;
  PointwiseInfo info;
  info.arity = internal::pointwise_arity<F>();
  info.f32 = internal::call_pointwise<F, float>;
  info.f64 = internal::call_pointwise<F, double>;
  info.boolean_result = rule.boolean_result;
  register_pointwise_blocks(info.f64,
                            {internal::call_pointwise_block<F, double>, nullptr, rule.divides});
  Record::rule = rule;
  Record::info = info;
  op.pointwise = info;
  op.min_inputs = op.max_inputs = info.arity;
  op.commutative = rule.commutative;
  op.infer = [](InferContext& context) { return infer_pointwise(Record::rule, context); };
  op.evaluate = [](EvalContext& context) {
    return evaluate_pointwise(Record::info, Record::rule.divides, context);
  };
  return op;
}

// REQUIRES: rule.domain is not kFloat.
template <class F>
OpDef pointwise_op(const char* name, const char* summary, F function, PointwiseRule rule) {
  HONE_CHECK(rule.domain != Domain::kFloat);
  OpDef op = pointwise_float_op(name, summary, function, rule);
  internal::PointwiseRecord<F>::info.i64 = internal::call_pointwise<F, int64_t>;
  register_pointwise_blocks(op.pointwise->f64,
                            {internal::call_pointwise_block<F, double>,
                             internal::call_pointwise_block<F, int64_t>, rule.divides});
  op.pointwise = internal::PointwiseRecord<F>::info;
  return op;
}

}  // namespace hone

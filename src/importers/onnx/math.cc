// Arithmetic, comparison and logic, element by element.
#include <cmath>

#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// Applies a binary operator from left to right.
Values fold(Call& call, const char* op) {
  Value* result = call.input(0);
  for (size_t i = 1; i < call.num_inputs(); ++i) result = call.emit(op, {result, call.input(i)});
  return {result};
}

Values sum(Call& call) { return fold(call, "Add"); }
Values max(Call& call) { return fold(call, "Max"); }
Values min(Call& call) { return fold(call, "Min"); }

Values mean(Call& call) {
  Value* total = sum(call)[0];
  if (call.num_inputs() == 1) return {total};
  Value* count = call.scalar_like(total, static_cast<double>(call.num_inputs()));
  return {call.emit("Div", {total, count})};
}

Values mod(Call& call) {
  Value* a = call.input(0);
  Value* b = call.input(1);
  const bool fmod = call.flag("fmod", false);
  if (!fmod && is_float(a->dtype())) call.bad_model("floating point inputs need fmod=1");
  return {call.emit(fmod ? "TruncateMod" : "FloorMod", {a, b})};
}

// The result has the type of the base; the exponent may have another one.
Values pow(Call& call) {
  Value* base = call.input(0);
  Value* exponent = call.input(1);
  if (!is_float(base->dtype()) && is_float(exponent->dtype())) {
    Value* power = call.emit("Pow", {call.cast(base, exponent->dtype()), exponent});
    return {call.cast(power, base->dtype())};
  }
  return {call.emit("Pow", {base, call.cast(exponent, base->dtype())})};
}

Values is_inf(Call& call) {
  Value* x = call.input(0);
  const bool negative = call.flag("detect_negative", true);
  const bool positive = call.flag("detect_positive", true);
  Value* infinite = call.emit("IsInf", {x});
  if (negative && positive) return {infinite};
  // A comparison that never holds where neither is asked for.
  const char* side = negative ? "Less" : "Greater";
  Value* limit = call.scalar_like(x, negative || positive ? 0 : INFINITY);
  return {call.emit("And", {infinite, call.emit(side, {x, limit})})};
}

Values where(Call& call) {
  return {call.emit("Where", {call.input(0), call.input(1), call.input(2)})};
}

}  // namespace

std::vector<ImportRow> math_rows() {
  return {
      {"Abs", same_operator},
      {"Acos", same_operator},
      {"Acosh", same_operator, 1, 1, 9},
      {"Add", same_operator, 2, 2},
      {"And", same_operator, 2, 2},
      {"Asin", same_operator},
      {"Asinh", same_operator, 1, 1, 9},
      {"Atan", same_operator},
      {"Atanh", same_operator, 1, 1, 9},
      {"Ceil", same_operator},
      {"Cos", same_operator},
      {"Cosh", same_operator, 1, 1, 9},
      {"Div", same_operator, 2, 2},
      {"Equal", same_operator, 2, 2, 1, "no strings"},
      {"Erf", same_operator, 1, 1, 9, "floating point only"},
      {"Exp", same_operator},
      {"Floor", same_operator},
      {"Greater", same_operator, 2, 2},
      {"GreaterOrEqual", same_operator, 2, 2, 12},
      {"IsInf", is_inf, 1, 1, 10},
      {"IsNaN", same_operator, 1, 1, 9},
      {"Less", same_operator, 2, 2},
      {"LessOrEqual", same_operator, 2, 2, 12},
      {"Log", same_operator},
      {"Max", max, 1, -1},
      {"Mean", mean, 1, -1},
      {"Min", min, 1, -1},
      {"Mod", mod, 2, 2, 10},
      {"Mul", same_operator, 2, 2},
      {"Neg", same_operator},
      {"Not", same_operator},
      {"Or", same_operator, 2, 2},
      {"Pow", pow, 2, 2},
      {"Reciprocal", same_operator},
      {"Round", same_operator, 1, 1, 11},
      {"Sign", same_operator, 1, 1, 9},
      {"Sin", same_operator},
      {"Sinh", same_operator, 1, 1, 9},
      {"Sqrt", same_operator},
      {"Sub", same_operator, 2, 2},
      {"Sum", sum, 1, -1},
      {"Tan", same_operator},
      {"Where", where, 3, 3, 9},
      {"Xor", same_operator, 2, 2},
  };
}

}  // namespace hone::onnx

// OpDef: everything Hone knows about an operator in one record. From it come text form, plan form,
// verification, constant folding, documentation and the generic tests. To add an operator: one file
// ops/<name>.cc that defines its record, one line in op_list.cc (docs/guides/add-an-operator.md).
//
// Conventions: ONNX names and semantics where ONNX has the operator, except that spatial operators
// take channels last: data [N, spatial..., C], weights [O, spatial..., I/groups].
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dim.h"
#include "base/tensor.h"
#include "hone/status.h"
#include "ops/attributes.h"

namespace hone {

// dtype and shape; rank is always known.
struct TensorType {
  DataType dtype = DataType::f32;
  Shape shape;
  bool operator==(const TensorType&) const = default;
};
std::string type_text(const TensorType& type);  // "f32[N,224,224,3]"

// The elements of a small integer tensor, as expressions: what makes Shape -> Slice -> Concat ->
// Reshape chains with unknown batch computable. An element may be Dim::invalid(): not known.
using DimValues = std::optional<std::vector<Dim>>;
inline constexpr size_t kMaxDimValues = 64;

struct InferInput {
  TensorType type;
  const Tensor* constant = nullptr;  // set for constants
  DimValues values;                  // set when the elements are known as expressions (also for
                                     // small integer constants)
};

// Collects what type inference finds out that must hold at run time, and names for new symbols.
struct SymbolScope {
  int next = 0;                                    // fresh symbols are "?0", "?1", ...
  std::vector<std::pair<Dim, Dim>> must_be_equal;  // checked when shapes are bound
  Dim fresh() {
    std::string name(1, '?');
    name += std::to_string(next++);
    return Dim::symbol(name);
  }
};

struct InferContext {
  const Attributes* attributes = nullptr;
  std::vector<InferInput> inputs;
  SymbolScope* symbols = nullptr;
  // Results: types (required), values (optional, same size or empty).
  std::vector<TensorType> outputs;
  std::vector<DimValues> output_values;

  template <class T>
  const T& attr() const {
    return attributes->get<T>();
  }
  const Shape& shape(size_t i) const { return inputs[i].type.shape; }
  DataType dtype(size_t i) const { return inputs[i].type.dtype; }
  // Integer elements of input i if it is a constant or its values are all known integers.
  std::optional<std::vector<int64_t>> int_values(size_t i) const;
  void set_output(DataType dtype, Shape shape, DimValues values = std::nullopt);
  // a == b: proved, or recorded as a check at binding time. Error when they differ for certain.
  Status require_equal(const Dim& a, const Dim& b, const char* what);
};

struct EvalContext {
  const Attributes* attributes = nullptr;
  std::vector<Tensor> inputs;     // optional inputs that are absent: num_elements 0 + `absent`
  std::vector<TensorType> types;  // of the outputs, static; may be empty shape unknown ("?")
  std::vector<Tensor> outputs;    // to be filled

  template <class T>
  const T& attr() const {
    return attributes->get<T>();
  }
  // Allocates output i with the inferred type.
  Result<Tensor*> allocate_output(size_t i = 0);
};

// The scalar meaning of a pointwise operator. Arguments are an array of `arity` values.
struct PointwiseInfo {
  int arity = 1;
  float (*f32)(const float*) = nullptr;
  double (*f64)(const double*) = nullptr;
  int64_t (*i64)(const int64_t*) = nullptr;  // null: floating point only
  bool boolean_result = false;               // comparisons and logic
};

struct OpDef {
  const char* name = "";
  const char* summary = "";  // one sentence for docs
  int min_inputs = 1;
  int max_inputs = 1;   // -1: any number
  int num_outputs = 1;  // -1: depends on the attributes (Split)
  Attributes defaults;  // the operator's attribute struct with default values
  Status (*infer)(InferContext&) = nullptr;
  Status (*evaluate)(EvalContext&) = nullptr;
  std::optional<PointwiseInfo> pointwise;  // set: may appear in a Program
  bool commutative = false;                // inputs 0 and 1 may be swapped
  bool foldable = true;                    // false: never evaluated at build time (random ...)
};

// All operators, sorted by name. Made once, on first use; thread-safe.
std::span<const OpDef* const> all_ops();
// nullptr if there is none.
const OpDef* find_op(std::string_view name);
// REQUIRES: it exists (for our own code, where the name is a literal).
const OpDef& op(std::string_view name);

// Runs op.infer with checks of input count, then applies the epilogue's broadcasting.
Status infer_types(const OpDef& op, const Program& epilogue, InferContext& context);

// Runs the reference: op.evaluate on the root inputs, then the epilogue in FP64, one rounding.
// Output types are inferred from the concrete inputs. Errors: kShape, kModel, kOutOfResources.
Result<std::vector<Tensor>> evaluate_reference(const OpDef& op, const Attributes& attributes,
                                               const Program& epilogue,
                                               std::span<const Tensor> inputs);

// The type and the value of a program over `types` / `inputs`, which broadcast: what the operator
// Pointwise does, and an epilogue. The dtype is that of the first floating point input.
Status infer_program(const Program& program, std::span<const TensorType> types,
                     InferContext& context, TensorType* result);
Result<Tensor> evaluate_program(const Program& program, std::span<const Tensor> inputs,
                                const TensorType& type);

// The operators as a Markdown table: name, inputs, attributes with defaults, summary.
std::string operator_table();

// NumPy broadcasting of two or more shapes. Two sizes that are not known to be equal, neither the
// constant 1, are taken to be equal (checked when shapes are bound): no broadcasting that shows
// only at run time.
Result<Shape> broadcast_shapes(std::span<const Shape> shapes, SymbolScope* symbols);

}  // namespace hone

#include "tactics/cpu/matmul_operands.h"

#include <utility>

#include "ops/linear.h"
#include "tactics/cpu/program.h"

namespace hone {
namespace {

int64_t number(const Dim& dim) { return dim.is_const() ? dim.value() : 1; }

// Puts a dimension of 1 at `at`.
void insert_one(TensorLayout* layout, int at) {
  for (int i = layout->rank; i > at; --i) {
    layout->shape[i] = layout->shape[i - 1];
    layout->stride[i] = layout->stride[i - 1];
  }
  layout->shape[at] = 1;
  layout->stride[at] = at < layout->rank ? layout->shape[at + 1] * layout->stride[at + 1] : 1;
  ++layout->rank;
}

}  // namespace

cpu::GemmProblem gemm_problem(const StepDesc& step) {
  const Shape& a = step.in_shape(0);
  const Shape& b = step.in_shape(1);
  const auto& attributes = step.attr<MatMulAttributes>();
  const size_t k_back = attributes.transpose_a && a.size() > 1 ? 2 : 1;
  cpu::GemmProblem p;
  // The two are equal, and packing needs the number: the weights know it.
  const Dim& k_of_b = b.size() < 2 || attributes.transpose_b ? b.back() : b[b.size() - 2];
  p.k = number(k_of_b.is_const() ? k_of_b : a[a.size() - k_back]);
  p.m = a.size() < 2 ? 1 : number(a[a.size() - (3 - k_back)]);
  p.n = b.size() < 2 ? 1 : number(b[b.size() - (attributes.transpose_b ? 2 : 1)]);
  p.lda = p.k;
  p.ldc = p.n;
  p.has_addend = split_epilogue(step).addend >= 0;
  p.ld_addend = p.n;
  return p;
}

Verdict can_be_matrices(const StepDesc& step) {
  const bool vector_a = step.in_shape(0).size() < 2, vector_b = step.in_shape(1).size() < 2;
  if (!vector_a && !vector_b) return Verdict::yes();
  if (step.out_shape().size() + 2 > kMaxRank) return Verdict::no("a vector operand and rank 7");
  if (vector_b && !step.epilogue.empty()) return Verdict::no("a vector operand and an epilogue");
  return Verdict::yes();
}

MatrixArgs as_matrices(const PrepareArgs& args, int addend) {
  const auto& attributes = args.step->attr<MatMulAttributes>();
  MatrixArgs m;
  m.inputs.assign(args.inputs.begin(), args.inputs.end());
  m.outputs.assign(args.outputs.begin(), args.outputs.end());
  TensorLayout &a = m.inputs[0], &b = m.inputs[1];
  m.transpose_b = attributes.transpose_b && b.rank > 1;
  m.flipped_a = attributes.transpose_a && a.rank > 1;
  if (m.flipped_a) {
    std::swap(a.shape[a.rank - 2], a.shape[a.rank - 1]);
    std::swap(a.stride[a.rank - 2], a.stride[a.rank - 1]);
  }
  std::vector<TensorLayout*> results = {m.outputs.data()};
  if (addend >= 0) results.push_back(&m.inputs[static_cast<size_t>(addend)]);
  if (b.rank < 2) {  // the result lacks its columns
    insert_one(&b, 1);
    for (TensorLayout* result : results) insert_one(result, result->rank);
  }
  if (a.rank < 2) {  // ... its rows
    insert_one(&a, 0);
    for (TensorLayout* result : results) insert_one(result, result->rank - 1);
  }
  m.args = args;
  m.args.inputs = m.inputs;
  m.args.outputs = m.outputs;
  return m;
}

}  // namespace hone

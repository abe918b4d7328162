// MatMul(a, b): NumPy's matmul with optional transposition.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/linear.h"
#include "ops/op_list.h"
#include "ops/wrapping.h"

namespace hone {
namespace {

// [M, K] x [K, N] per batch; a vector has M (N) = 1, which the result does not show.
template <class D>
struct MatMulSizes {
  D m{1}, n{1}, k{1}, k_of_b{1};
  std::vector<D> batch_a, batch_b;
};

template <class D>
MatMulSizes<D> matmul_sizes(const MatMulAttributes& attributes, const std::vector<D>& a,
                            const std::vector<D>& b) {
  MatMulSizes<D> sizes;
  sizes.k = a.back();
  sizes.k_of_b = b[0];
  if (a.size() > 1) {
    const size_t row = a.size() - 2;
    sizes.m = a[row + (attributes.transpose_a ? 1 : 0)];
    sizes.k = a[row + (attributes.transpose_a ? 0 : 1)];
    sizes.batch_a.assign(a.begin(), a.end() - 2);
  }
  if (b.size() > 1) {
    const size_t row = b.size() - 2;
    sizes.k_of_b = b[row + (attributes.transpose_b ? 1 : 0)];
    sizes.n = b[row + (attributes.transpose_b ? 0 : 1)];
    sizes.batch_b.assign(b.begin(), b.end() - 2);
  }
  return sizes;
}

Status infer_matmul(InferContext& context) {
  const Shape& a = context.shape(0);
  const Shape& b = context.shape(1);
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  if (context.dtype(1) != context.dtype(0)) return Status(Code::kModel, "the dtypes differ");
  if (a.empty() || b.empty()) return Status(Code::kModel, "an input is a scalar");
  const auto sizes = matmul_sizes(context.attr<MatMulAttributes>(), a, b);
  HONE_RETURN_IF_ERROR(
      context.require_equal(sizes.k, sizes.k_of_b, "inner dimensions of the matrices"));
  const Shape batches[] = {sizes.batch_a, sizes.batch_b};
  HONE_ASSIGN_OR_RETURN(Shape shape, broadcast_shapes(batches, context.symbols));
  if (a.size() > 1) shape.push_back(sizes.m);
  if (b.size() > 1) shape.push_back(sizes.n);
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

// One [M, K] x [K, N] product. (a_m, a_k), (b_k, b_n): strides.
template <class T>
void multiply(const T* a, int64_t a_m, int64_t a_k, const T* b, int64_t b_k, int64_t b_n,
              const MatMulSizes<int64_t>& sizes, std::vector<Wide<T>>& row, T* to) {
  for (int64_t m = 0; m < sizes.m; ++m) {
    std::fill(row.begin(), row.end(), Wide<T>(0));
    // k outside: reads b row by row when it is not transposed.
    for (int64_t k = 0; k < sizes.k; ++k) {
      const Wide<T> left = widen(a[m * a_m + k * a_k]);
      const T* right = b + k * b_k;
      for (int64_t n = 0; n < sizes.n; ++n) {
        row[n] = wrapping_add(row[n], wrapping_mul(left, widen(right[n * b_n])));
      }
    }
    for (int64_t n = 0; n < sizes.n; ++n) *to++ = narrow<T>(row[n]);
  }
}

Status evaluate_matmul(EvalContext& context) {
  const auto& attributes = context.attr<MatMulAttributes>();
  const Tensor& a = context.inputs[0];
  const Tensor& b = context.inputs[1];
  const auto sizes = matmul_sizes(attributes, a.shape(), b.shape());
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const size_t matrix_rank = (a.rank() > 1) + (b.rank() > 1);
  const std::vector<int64_t> batch(output->shape().begin(), output->shape().end() - matrix_rank);
  std::vector<int64_t> strides_a = broadcast_strides(sizes.batch_a, batch);
  std::vector<int64_t> strides_b = broadcast_strides(sizes.batch_b, batch);
  for (int64_t& stride : strides_a) stride *= sizes.m * sizes.k;
  for (int64_t& stride : strides_b) stride *= sizes.k * sizes.n;
  const bool flip_a = attributes.transpose_a && a.rank() > 1;
  const bool flip_b = attributes.transpose_b && b.rank() > 1;
  return with_type(a.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* data_a = elements<T>(a);
    const T* data_b = elements<T>(b);
    T* to = mutable_elements<T>(output);
    std::vector<Wide<T>> row(sizes.n);
    for_each_row(batch, {strides_a, strides_b}, [&](const int64_t* offsets, int64_t count) {
      for (int64_t i = 0; i < count; ++i, to += sizes.m * sizes.n) {
        multiply(data_a + offsets[0] + i * row_stride(strides_a), flip_a ? 1 : sizes.k,
                 flip_a ? sizes.m : 1, data_b + offsets[1] + i * row_stride(strides_b),
                 flip_b ? 1 : sizes.n, flip_b ? sizes.k : 1, sizes, row, to);
      }
    });
    return ok();
  });
}

}  // namespace

std::vector<OpDef> matmul_ops() {
  return {{.name = "MatMul",
           .summary = "Matrix product with broadcast batches, as NumPy's matmul; inputs a, b",
           .min_inputs = 2,
           .max_inputs = 2,
           .defaults = MatMulAttributes{},
           .infer = infer_matmul,
           .evaluate = evaluate_matmul}};
}

}  // namespace hone

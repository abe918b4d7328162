#include "ops/eval.h"

#include <fmt/format.h>

namespace hone {

std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

std::vector<int64_t> broadcast_strides(const std::vector<int64_t>& shape,
                                       const std::vector<int64_t>& output) {
  HONE_CHECK(shape.size() <= output.size());
  std::vector<int64_t> strides(output.size(), 0);
  const std::vector<int64_t> dense = dense_strides(shape);
  const size_t shift = output.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i) {
    HONE_CHECK(shape[i] == output[i + shift] || shape[i] == 1);
    if (shape[i] != 1) strides[i + shift] = dense[i];
  }
  return strides;
}

Status copy_strided(const Tensor& input, int64_t base, const std::vector<int64_t>& strides,
                    Tensor* output) {
  HONE_CHECK(input.dtype() == output->dtype());
  return with_storage(input.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = elements<T>(input);
    T* to = mutable_elements<T>(output);
    const int64_t step = row_stride(strides);
    for_each_row(output->shape(), {strides}, [&](const int64_t* offsets, int64_t count) {
      const T* row = from + base + offsets[0];
      for (int64_t i = 0; i < count; ++i) to[i] = row[i * step];
      to += count;
    });
    return ok();
  });
}

DoubleReader double_reader(DataType dtype) {
  DoubleReader reader = nullptr;
  (void)with_type(dtype, [&reader](auto type) {
    using T = typename decltype(type)::type;
    reader = [](const void* data, int64_t index) {
      return static_cast<double>(widen(static_cast<const T*>(data)[index]));
    };
    return ok();
  });
  return reader;
}

}  // namespace hone

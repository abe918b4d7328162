// GatherND, GatherElements, ScatterND and ScatterElements: elements or slices chosen by lists of
// indices.
#include <fmt/format.h>

#include <algorithm>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

Status out_of_range(int64_t index, int64_t dim) {
  return Status(Code::kShape,
                fmt::format("index {} is out of range for a dimension of {}", index, dim));
}

// Index `i` of a tensor of integers.
using IndexReader = int64_t (*)(const void*, int64_t);
IndexReader index_reader(DataType dtype) {
  IndexReader reader = nullptr;
  (void)with_type(dtype, [&reader](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_integral_v<T>) {
      reader = [](const void* data, int64_t i) {
        return static_cast<int64_t>(static_cast<const T*>(data)[i]);
      };
    }
    return ok();
  });
  return reader;
}

// The length of the index tuples. kUnsupported when the rank of the result would not be known.
Result<int64_t> tuple_length(const InferContext& context, size_t batch_dims) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  HONE_RETURN_IF_ERROR(require_dtype(context, 1, is_integer, "an integer type"));
  if (indices.size() <= batch_dims) {
    return Status(Code::kModel, fmt::format("the indices have rank {}", indices.size()));
  }
  if (!indices.back().is_const()) {
    return Status(Code::kUnsupported, "the last dimension of the indices is not a constant")
        .because("the rank of the result would not be known");
  }
  const int64_t length = indices.back().value();
  if (length > static_cast<int64_t>(data.size() - batch_dims)) {
    return Status(Code::kModel,
                  fmt::format("tuples of {} indices for data of rank {}", length, data.size()));
  }
  return length;
}

Status infer_gather_nd(InferContext& context) {
  const int64_t batch = context.attr<GatherNdAttributes>().batch_dims;
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  if (batch < 0 || batch > static_cast<int64_t>(data.size())) {
    return Status(Code::kModel, fmt::format("batch_dims is {}", batch));
  }
  HONE_ASSIGN_OR_RETURN(const int64_t length, tuple_length(context, static_cast<size_t>(batch)));
  for (int64_t i = 0; i < batch; ++i) {
    HONE_RETURN_IF_ERROR(context.require_equal(data[i], indices[i], "batch sizes differ"));
  }
  Shape shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + batch + length, data.end());
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

// Where the slice that a tuple names begins, in elements from the start of `data`'s batch entry.
class SliceFinder {
 public:
  SliceFinder(const Tensor& data, const Tensor& indices, int64_t batch_dims)
      : indices_(indices.raw()), read_(index_reader(indices.dtype())) {
    length_ = indices.shape().back();
    const std::vector<int64_t> strides = dense_strides(data.shape());
    for (int64_t i = 0; i < length_; ++i) {
      dims_.push_back(data.dim(static_cast<int>(batch_dims + i)));
      strides_.push_back(strides[static_cast<size_t>(batch_dims + i)]);
    }
  }
  Result<int64_t> offset(int64_t tuple) const {
    int64_t offset = 0;
    for (int64_t i = 0; i < length_; ++i) {
      const int64_t named = read_(indices_, tuple * length_ + i);
      const int64_t index = named < 0 ? named + dims_[i] : named;
      if (index < 0 || index >= dims_[i]) return out_of_range(named, dims_[i]);
      offset += index * strides_[i];
    }
    return offset;
  }

 private:
  const void* indices_;
  IndexReader read_;
  int64_t length_;
  std::vector<int64_t> dims_, strides_;
};

int64_t product(const std::vector<int64_t>& shape, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end; ++i) result *= shape[i];
  return result;
}

Status evaluate_gather_nd(EvalContext& context) {
  const auto batch = static_cast<size_t>(context.attr<GatherNdAttributes>().batch_dims);
  const Tensor& data = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const SliceFinder finder(data, indices, static_cast<int64_t>(batch));
  const int64_t batches = product(data.shape(), 0, batch);
  const int64_t tuples = product(indices.shape(), batch, indices.shape().size() - 1);
  const int64_t batch_size = product(data.shape(), batch, data.shape().size());
  const int64_t slice = output->num_elements() / (batches * tuples);
  return with_storage(data.dtype(), [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    T* to = mutable_elements<T>(output);
    for (int64_t b = 0; b < batches; ++b) {
      for (int64_t t = 0; t < tuples; ++t) {
        HONE_ASSIGN_OR_RETURN(const int64_t offset, finder.offset(b * tuples + t));
        to = std::copy_n(elements<T>(data) + b * batch_size + offset, slice, to);
      }
    }
    return ok();
  });
}

// --- Scatter.

using Reduction = int;
constexpr const char* kReductions[] = {"none", "add", "sub", "mul", "min", "max"};

Result<Reduction> find_reduction(const InferContext& context, const std::string& name) {
  for (Reduction i = 0; i < 6; ++i) {
    if (name != kReductions[i]) continue;
    if (i > 0) HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
    return i;
  }
  return Status(Code::kModel, fmt::format("there is no reduction '{}'", name));
}

template <class T>
T reduce(Reduction reduction, T old, T update) {
  const auto a = widen(old), b = widen(update);
  using W = Wide<T>;
  switch (reduction) {
    case 1:
      if constexpr (kIsFloat<T>) return narrow<T>(a + b);
      return narrow<T>(static_cast<W>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)));
    case 2:
      if constexpr (kIsFloat<T>) return narrow<T>(a - b);
      return narrow<T>(static_cast<W>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)));
    case 3:
      if constexpr (kIsFloat<T>) return narrow<T>(a * b);
      return narrow<T>(static_cast<W>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)));
    case 4:
      return a != a || a < b ? old : update;
    case 5:
      return a != a || a > b ? old : update;
    default:
      return update;
  }
}

Status infer_scatter_nd(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  const Shape& updates = context.shape(2);
  HONE_RETURN_IF_ERROR(
      find_reduction(context, context.attr<ScatterNdAttributes>().reduction).status());
  HONE_ASSIGN_OR_RETURN(const int64_t length, tuple_length(context, 0));
  if (context.dtype(2) != context.dtype(0)) {
    return Status(Code::kModel, "data and updates have different dtypes");
  }
  Shape expected(indices.begin(), indices.end() - 1);
  expected.insert(expected.end(), data.begin() + length, data.end());
  if (updates.size() != expected.size()) {
    return Status(Code::kModel, fmt::format("the updates have shape {} instead of {}",
                                            shape_text(updates), shape_text(expected)));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    HONE_RETURN_IF_ERROR(
        context.require_equal(updates[i], expected[i], "the updates have another shape"));
  }
  context.set_output(context.dtype(0), data);
  return ok();
}

// Calls fn with the element type, for a reduction that only moves elements with any of its size.
template <class Fn>
Status with_reducible(DataType dtype, Reduction reduction, Fn&& fn) {
  return reduction == 0 ? with_storage(dtype, fn) : with_type(dtype, fn);
}

template <class T>
void apply(Reduction reduction, T* to, const T* from) {
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) {
    *to = *from;
  } else {
    *to = reduction == 0 ? *from : reduce(reduction, *to, *from);
  }
}

Reduction reduction_number(const std::string& name) {
  return static_cast<Reduction>(std::find(kReductions, kReductions + 6, name) - kReductions);
}

Status evaluate_scatter_nd(EvalContext& context) {
  const Reduction reduction = reduction_number(context.attr<ScatterNdAttributes>().reduction);
  const Tensor& indices = context.inputs[1];
  const Tensor& updates = context.inputs[2];
  context.outputs[0] = context.inputs[0].clone();
  Tensor* output = &context.outputs[0];
  if (updates.num_elements() == 0) return ok();
  const SliceFinder finder(*output, indices, 0);
  const int64_t tuples = product(indices.shape(), 0, indices.shape().size() - 1);
  const int64_t slice = updates.num_elements() / tuples;
  return with_reducible(output->dtype(), reduction, [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    for (int64_t t = 0; t < tuples; ++t) {
      HONE_ASSIGN_OR_RETURN(const int64_t offset, finder.offset(t));
      T* to = mutable_elements<T>(output) + offset;
      const T* from = elements<T>(updates) + t * slice;
      for (int64_t i = 0; i < slice; ++i) apply(reduction, to + i, from + i);
    }
    return ok();
  });
}

// --- ...Elements: one index per element.

// Data and indices have one rank; off the axis the indices are not larger than the data.
Status check_elements(InferContext& context, int64_t axis_attribute, int* axis) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  HONE_RETURN_IF_ERROR(require_dtype(context, 1, is_integer, "an integer type"));
  HONE_RETURN_IF_ERROR(require_rank(context, 1, data.size()));
  HONE_ASSIGN_OR_RETURN(*axis, resolve_axis(axis_attribute, data.size()));
  for (size_t i = 0; i < data.size(); ++i) {
    if (static_cast<int>(i) == *axis || always_le(indices[i], data[i])) continue;
    if (always_lt(data[i], indices[i])) {
      return Status(Code::kShape, fmt::format("dimension {} of the indices is {}, of the data {}",
                                              i, indices[i].text(), data[i].text()));
    }
    // Not larger, as an equation.
    HONE_RETURN_IF_ERROR(context.require_equal(min(indices[i], data[i]), indices[i],
                                               "a dimension of the indices exceeds the data's"));
  }
  return ok();
}

Status infer_gather_elements(InferContext& context) {
  int axis = 0;
  HONE_RETURN_IF_ERROR(
      check_elements(context, context.attr<GatherElementsAttributes>().axis, &axis));
  context.set_output(context.dtype(0), context.shape(1));
  return ok();
}

Status infer_scatter_elements(InferContext& context) {
  const auto& attributes = context.attr<ScatterElementsAttributes>();
  int axis = 0;
  HONE_RETURN_IF_ERROR(find_reduction(context, attributes.reduction).status());
  HONE_RETURN_IF_ERROR(check_elements(context, attributes.axis, &axis));
  HONE_RETURN_IF_ERROR(require_rank(context, 2, context.shape(0).size()));
  if (context.dtype(2) != context.dtype(0)) {
    return Status(Code::kModel, "data and updates have different dtypes");
  }
  for (size_t i = 0; i < context.shape(1).size(); ++i) {
    HONE_RETURN_IF_ERROR(context.require_equal(context.shape(1)[i], context.shape(2)[i],
                                               "indices and updates have different shapes"));
  }
  context.set_output(context.dtype(0), context.shape(0));
  return ok();
}

// Calls fn(place in data, place in indices) for every index, in order.
template <class Fn>
Status for_each_index(const Tensor& data, const Tensor& indices, int axis, Fn&& fn) {
  const IndexReader read = index_reader(indices.dtype());
  std::vector<int64_t> strides = dense_strides(data.shape());
  const int64_t along = strides[axis];
  strides[axis] = 0;
  int64_t k = 0;
  Status status;
  for_each_row(indices.shape(), {strides}, [&](const int64_t* offsets, int64_t count) {
    for (int64_t i = 0; i < count; ++i, ++k) {
      const int64_t named = read(indices.raw(), k), dim = data.dim(axis);
      const int64_t index = named < 0 ? named + dim : named;
      if (index < 0 || index >= dim) {
        if (status.ok()) status = out_of_range(named, dim);
        continue;
      }
      fn(offsets[0] + i * row_stride(strides) + index * along, k);
    }
  });
  return status;
}

Status evaluate_gather_elements(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(context.attr<GatherElementsAttributes>().axis,
                                                     data.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_storage(data.dtype(), [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    return for_each_index(data, context.inputs[1], axis, [&](int64_t place, int64_t k) {
      mutable_elements<T>(output)[k] = elements<T>(data)[place];
    });
  });
}

Status evaluate_scatter_elements(EvalContext& context) {
  const auto& attributes = context.attr<ScatterElementsAttributes>();
  const Reduction reduction = reduction_number(attributes.reduction);
  context.outputs[0] = context.inputs[0].clone();
  Tensor* output = &context.outputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, output->shape().size()));
  const Tensor& updates = context.inputs[2];
  return with_reducible(output->dtype(), reduction, [&](auto type) -> Status {
    using T = typename decltype(type)::type;
    return for_each_index(*output, context.inputs[1], axis, [&](int64_t place, int64_t k) {
      apply(reduction, mutable_elements<T>(output) + place, elements<T>(updates) + k);
    });
  });
}

}  // namespace

std::vector<OpDef> gather_nd_ops() {
  return {{.name = "GatherND",
           .summary = "Slices chosen by tuples of indices; inputs data, indices",
           .min_inputs = 2,
           .max_inputs = 2,
           .defaults = GatherNdAttributes{},
           .infer = infer_gather_nd,
           .evaluate = evaluate_gather_nd},
          {.name = "GatherElements",
           .summary = "Elements chosen by an index along one axis; inputs data, indices",
           .min_inputs = 2,
           .max_inputs = 2,
           .defaults = GatherElementsAttributes{},
           .infer = infer_gather_elements,
           .evaluate = evaluate_gather_elements},
          {.name = "ScatterND",
           .summary = "Data with slices replaced or reduced; inputs data, indices, updates",
           .min_inputs = 3,
           .max_inputs = 3,
           .defaults = ScatterNdAttributes{},
           .infer = infer_scatter_nd,
           .evaluate = evaluate_scatter_nd},
          {.name = "ScatterElements",
           .summary = "Data with elements replaced or reduced; inputs data, indices, updates",
           .min_inputs = 3,
           .max_inputs = 3,
           .defaults = ScatterElementsAttributes{},
           .infer = infer_scatter_elements,
           .evaluate = evaluate_scatter_elements}};
}

}  // namespace hone

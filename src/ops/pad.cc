// Pad(data, pads, [value]): a border around the data.
#include "ops/pad.h"

#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

bool is_mode(const std::string& mode) {
  return mode == "constant" || mode == "reflect" || mode == "symmetric" || mode == "edge";
}

Status check_border(const std::string& mode, int64_t size, int64_t begin, int64_t end) {
  if (pad_fits(mode, size, begin, end)) return ok();
  return Status(Code::kShape, fmt::format("pads {} and {} are too large for a dimension of {} in "
                                          "mode {}",
                                          begin, end, size, mode));
}

// Walks the output in order and keeps, for every axis, the input offset that the present position
// shows, or -1 for the constant.
class PadWalk {
 public:
  PadWalk(const std::string& mode, const Tensor& input, const std::vector<int64_t>& pads,
          const std::vector<int64_t>& shape)
      : mode_(mode),
        pads_(pads),
        sizes_(input.shape()),
        shape_(shape),
        strides_(dense_strides(input.shape())),
        index_(shape.size(), 0),
        parts_(shape.size(), 0) {
    for (size_t axis = 0; axis < shape.size(); ++axis) update(axis);
  }

  // The input offset, or -1.
  int64_t offset() const {
    int64_t sum = 0;
    for (int64_t part : parts_) {
      if (part < 0) return -1;
      sum += part;
    }
    return sum;
  }

  void next() {
    for (size_t axis = shape_.size(); axis-- > 0;) {
      const bool carry = ++index_[axis] == shape_[axis];
      if (carry) index_[axis] = 0;
      update(axis);
      if (!carry) return;
    }
  }

 private:
  void update(size_t axis) {
    const int64_t index = pad_source(mode_, index_[axis] - pads_[axis], sizes_[axis]);
    parts_[axis] = index < 0 ? -1 : index * strides_[axis];
  }

  const std::string& mode_;
  const std::vector<int64_t>&pads_, &sizes_, &shape_;
  std::vector<int64_t> strides_, index_, parts_;
};

Status evaluate_pad(EvalContext& context) {
  const std::string& mode = context.attr<PadAttributes>().mode;
  const Tensor& input = context.inputs[0];
  const auto pads = context.inputs[1].as_int64s();
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const size_t rank = output->shape().size();
  if (!pads || pads->size() != 2 * rank) return Status(Code::kShape, "pads do not fit");
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t begin = (*pads)[axis], end = (*pads)[axis + rank];
    HONE_RETURN_IF_ERROR(check_border(mode, input.shape()[axis], begin, end));
  }
  return with_storage(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    const T value = context.inputs.size() > 2 ? elements<T>(context.inputs[2])[0] : T();
    const T* from = elements<T>(input);
    T* to = mutable_elements<T>(output);
    PadWalk walk(mode, input, *pads, output->shape());
    for (int64_t n = 0; n < output->num_elements(); ++n, walk.next()) {
      const int64_t offset = walk.offset();
      to[n] = offset < 0 ? value : from[offset];
    }
    return ok();
  });
}

Status infer_pad(InferContext& context) {
  const std::string& mode = context.attr<PadAttributes>().mode;
  if (!is_mode(mode)) return Status(Code::kModel, fmt::format("there is no mode \"{}\"", mode));
  HONE_ASSIGN_OR_RETURN(const std::vector<Dim> pads, vector_dims(context, 1, "pads"));
  TensorType type = context.inputs[0].type;
  const size_t rank = type.shape.size();
  if (pads.size() != 2 * rank) {
    return Status(Code::kModel, fmt::format("pads has {} elements for rank {}", pads.size(), rank));
  }
  if (context.inputs.size() > 2) {
    if (context.dtype(2) != type.dtype) return Status(Code::kModel, "the value has another dtype");
    HONE_RETURN_IF_ERROR(context.require_equal(num_elements(context.shape(2)), Dim(1),
                                               "the value has more than one element"));
  }
  for (size_t i = 0; i < rank; ++i) {
    type.shape[i] = or_fresh(type.shape[i] + pads[i] + pads[i + rank], context);
  }
  context.set_output(type.dtype, std::move(type.shape));
  return ok();
}

}  // namespace

int64_t pad_source(const std::string& mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == "edge") return i < 0 ? 0 : size - 1;
  if (mode == "reflect") return i < 0 ? -i : 2 * (size - 1) - i;
  if (mode == "symmetric") return i < 0 ? -i - 1 : 2 * size - 1 - i;
  return -1;
}

bool pad_fits(const std::string& mode, int64_t size, int64_t begin, int64_t end) {
  if (mode == "constant") return true;
  // What each side can show at most.
  const int64_t limit = mode == "edge"      ? (size > 0 ? INT64_MAX : 0)
                        : mode == "reflect" ? std::max<int64_t>(size - 1, 0)
                                            : size;
  return begin <= limit && end <= limit;
}

std::vector<OpDef> pad_ops() {
  return {{.name = "Pad",
           .summary = "A border around the data; inputs data, pads (begins of all axes, then ends; "
                      "negative cuts), optional value",
           .min_inputs = 2,
           .max_inputs = 3,
           .defaults = PadAttributes{},
           .infer = infer_pad,
           .evaluate = evaluate_pad}};
}

}  // namespace hone

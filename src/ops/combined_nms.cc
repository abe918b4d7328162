// CombinedNonMaxSuppression(boxes [batch, count, 1 or classes, 4], scores [batch, count, classes]):
// at most max_per_class boxes of each class, of those at most max_total by score, filled up with
// zeros. As TensorFlow's operator; of equal scores the lower class and box come first.
#include <fmt/format.h>

#include "ops/boxes.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

// The number of places in the result.
Result<Dim> result_size(const CombinedNmsAttributes& attributes, const Dim& classes) {
  if (attributes.max_per_class < 1 || attributes.max_per_class > INT32_MAX ||
      attributes.max_total < 1 || attributes.max_total > INT32_MAX) {
    return Status(Code::kModel, fmt::format("limits of {} and {} boxes", attributes.max_per_class,
                                            attributes.max_total));
  }
  const Dim total(attributes.max_total);
  return attributes.pad_per_class ? min(total, Dim(attributes.max_per_class) * classes) : total;
}

Status infer_combined(InferContext& context) {
  for (size_t i = 0; i < 2; ++i) HONE_RETURN_IF_ERROR(require_box_type(context, i));
  HONE_RETURN_IF_ERROR(require_rank(context, 0, 4));
  HONE_RETURN_IF_ERROR(require_rank(context, 1, 3));
  const Shape& boxes = context.shape(0);
  const Shape& scores = context.shape(1);
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[0], scores[0], "batch sizes differ"));
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[1], scores[1], "numbers of boxes differ"));
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[3], Dim(4), "a box has not 4 numbers"));
  if (boxes[2] != Dim(1)) {
    HONE_RETURN_IF_ERROR(context.require_equal(boxes[2], scores[2], "numbers of classes differ"));
  }
  HONE_ASSIGN_OR_RETURN(Dim size, result_size(context.attr<CombinedNmsAttributes>(), scores[2]));
  size = or_fresh(size, context);
  context.set_output(context.dtype(0), {scores[0], size, Dim(4)});
  context.set_output(context.dtype(0), {scores[0], size});
  context.set_output(context.dtype(0), {scores[0], size});
  context.set_output(DataType::i32, {scores[0]});
  return ok();
}

template <class T>
struct Detection {
  T score;
  int64_t label, box;
};

// One batch entry: the detections of all classes, best first.
template <class T>
std::vector<Detection<T>> detect(const CombinedNmsAttributes& attributes, const T* boxes,
                                 const T* scores, int64_t count, int64_t per_box, int64_t classes) {
  const auto threshold = static_cast<T>(attributes.score_threshold);
  const auto iou = static_cast<T>(attributes.iou_threshold);
  std::vector<Detection<T>> all;
  for (int64_t label = 0; label < classes; ++label) {
    std::vector<Box<T>> kept;
    for (int64_t i : by_score(scores + label, count, classes, &threshold)) {
      if (static_cast<int64_t>(kept.size()) >= attributes.max_per_class) break;
      const int64_t place = i * per_box + (per_box > 1 ? label : 0);
      const Box<T> box = read_box(boxes + place * 4, false);
      const bool hidden = std::any_of(
          kept.begin(), kept.end(), [&](const Box<T>& other) { return overlap(box, other) > iou; });
      if (hidden) continue;
      kept.push_back(box);
      all.push_back({scores[i * classes + label], label, place});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Detection<T>& a, const Detection<T>& b) { return a.score > b.score; });
  return all;
}

template <class T>
Status select_combined(EvalContext& context) {
  const auto& attributes = context.attr<CombinedNmsAttributes>();
  const Tensor& boxes = context.inputs[0];
  const Tensor& scores = context.inputs[1];
  const int64_t count = scores.dim(1), classes = scores.dim(2), per_box = boxes.dim(2);
  for (size_t i = 0; i < 4; ++i) HONE_RETURN_IF_ERROR(context.allocate_output(i).status());
  const int64_t size = context.outputs[1].dim(1);
  T* out_boxes = context.outputs[0].mutable_data<T>();
  T* out_scores = context.outputs[1].mutable_data<T>();
  T* out_classes = context.outputs[2].mutable_data<T>();
  for (int64_t b = 0; b < scores.dim(0); ++b) {
    const T* from = boxes.data<T>() + b * count * per_box * 4;
    const auto all =
        detect(attributes, from, scores.data<T>() + b * count * classes, count, per_box, classes);
    const int64_t found = std::min(static_cast<int64_t>(all.size()), size);
    for (int64_t i = 0; i < size; ++i) {
      const bool there = i < found;
      *out_scores++ = there ? all[i].score : 0;
      *out_classes++ = there ? static_cast<T>(all[i].label) : 0;
      for (int64_t k = 0; k < 4; ++k) {
        const T value = there ? from[all[i].box * 4 + k] : 0;
        *out_boxes++ = attributes.clip_boxes ? std::max(std::min(value, T(1)), T(0)) : value;
      }
    }
    context.outputs[3].mutable_data<int32_t>()[b] = static_cast<int32_t>(found);
  }
  return ok();
}

Status evaluate_combined(EvalContext& context) {
  return with_box_type(context.inputs[0].dtype(), [&](auto type) {
    return select_combined<typename decltype(type)::type>(context);
  });
}

}  // namespace

std::vector<OpDef> combined_nms_ops() {
  return {{.name = "CombinedNonMaxSuppression",
           .summary = "Boxes, scores, classes and number of the best detections of all classes; "
                      "inputs boxes, scores",
           .min_inputs = 2,
           .max_inputs = 2,
           .num_outputs = 4,
           .defaults = CombinedNmsAttributes{},
           .infer = infer_combined,
           .evaluate = evaluate_combined}};
}

}  // namespace hone

// NonMaxSuppression: of boxes that overlap much, only the one with the best score.
#include <fmt/format.h>

#include <cmath>
#include <queue>

#include "ops/boxes.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

// boxes [batch, count, 4], scores [batch, classes, count] -> [selected, 3].
Status infer_nms(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_box_type(context, 0));
  HONE_RETURN_IF_ERROR(require_box_type(context, 1));
  HONE_RETURN_IF_ERROR(require_rank(context, 0, 3));
  HONE_RETURN_IF_ERROR(require_rank(context, 1, 3));
  const Shape& boxes = context.shape(0);
  const Shape& scores = context.shape(1);
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[0], scores[0], "batch sizes differ"));
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[1], scores[2], "numbers of boxes differ"));
  HONE_RETURN_IF_ERROR(context.require_equal(boxes[2], Dim(4), "a box has not 4 numbers"));
  for (size_t i = 2; i < context.inputs.size(); ++i) {
    HONE_RETURN_IF_ERROR(i == 2 ? require_dtype(context, i, is_integer, "an integer type")
                                : require_box_type(context, i));
    HONE_RETURN_IF_ERROR(context.require_equal(num_elements(context.shape(i)), Dim(1),
                                               "a limit is not a single number"));
  }
  context.set_output(DataType::i64, {context.symbols->fresh(), Dim(3)});
  return ok();
}

// The greedy choice among `order`, best first.
template <class T>
std::vector<int64_t> select(const T* boxes, bool center_point, const std::vector<int64_t>& order,
                            int64_t limit, T threshold) {
  std::vector<int64_t> selected;
  std::vector<Box<T>> kept;
  for (int64_t i : order) {
    if (static_cast<int64_t>(selected.size()) >= limit) break;
    const Box<T> box = read_box(boxes + i * 4, center_point);
    const bool hidden = std::any_of(kept.begin(), kept.end(), [&](const Box<T>& other) {
      return overlap(box, other) > threshold;
    });
    if (hidden) continue;
    selected.push_back(i);
    kept.push_back(box);
  }
  return selected;
}

template <class T>
Status select_all(EvalContext& context) {
  const Tensor& boxes = context.inputs[0];
  const Tensor& scores = context.inputs[1];
  int64_t limit = 0;
  if (context.inputs.size() > 2) {
    const auto given = context.inputs[2].as_int64s();
    if (!given) return Status(Code::kShape, "the number of boxes does not fit an integer");
    limit = given->front();
  }
  const auto number = [&](size_t i) {
    return i < context.inputs.size() ? context.inputs[i].data<T>() : nullptr;
  };
  const T* iou = number(3);
  const bool center_point = context.attr<NmsAttributes>().center_point_box;
  const int64_t classes = scores.dim(1), count = scores.dim(2);
  std::vector<int64_t> rows;
  for (int64_t line = 0; line < scores.dim(0) * classes; ++line) {
    const int64_t batch = line / classes;
    const auto order = by_score(scores.data<T>() + line * count, count, 1, number(4));
    for (int64_t box : select(boxes.data<T>() + batch * count * 4, center_point, order, limit,
                              iou ? *iou : T(0))) {
      rows.insert(rows.end(), {batch, line % classes, box});
    }
  }
  context.outputs[0] = Tensor::from({static_cast<int64_t>(rows.size()) / 3, 3}, rows);
  return ok();
}

Status evaluate_nms(EvalContext& context) {
  return with_box_type(context.inputs[0].dtype(), [&](auto type) {
    return select_all<typename decltype(type)::type>(context);
  });
}

// --- With a result of fixed size.

Status infer_padded(InferContext& context) {
  const auto& attributes = context.attr<PaddedNmsAttributes>();
  HONE_RETURN_IF_ERROR(require_box_type(context, 0));
  HONE_RETURN_IF_ERROR(require_box_type(context, 1));
  HONE_RETURN_IF_ERROR(require_rank(context, 0, 2));
  HONE_RETURN_IF_ERROR(require_rank(context, 1, 1));
  HONE_RETURN_IF_ERROR(context.require_equal(context.shape(0)[0], context.shape(1)[0],
                                             "numbers of boxes and scores differ"));
  HONE_RETURN_IF_ERROR(
      context.require_equal(context.shape(0)[1], Dim(4), "a box has not 4 numbers"));
  if (attributes.size < 0 || attributes.size > INT32_MAX || !(attributes.soft_sigma >= 0)) {
    return Status(Code::kModel, "the size or sigma is negative or too large");
  }
  context.set_output(DataType::i32, {Dim(attributes.size)});
  context.set_output(context.dtype(0), {Dim(attributes.size)});
  context.set_output(DataType::i32, {});
  return ok();
}

template <class T>
struct Candidate {
  T score;
  int64_t box;
  size_t begin = 0;  // the selected boxes before this one have lowered the score already
  bool operator<(const Candidate& other) const {
    return score < other.score || (score == other.score && box > other.box);
  }
};

template <class T>
Status select_padded(EvalContext& context) {
  const auto& attributes = context.attr<PaddedNmsAttributes>();
  const auto* boxes = context.inputs[0].data<T>();
  const auto* scores = context.inputs[1].data<T>();
  const auto threshold = static_cast<T>(attributes.score_threshold);
  const bool soft = attributes.soft_sigma > 0;
  const auto scale = soft ? static_cast<T>(-0.5 / attributes.soft_sigma) : T(0);
  std::priority_queue<Candidate<T>> queue;
  for (int64_t i : by_score(scores, context.inputs[1].dim(0), 1, &threshold)) {
    queue.push({scores[i], i});
  }
  std::vector<Candidate<T>> selected;
  while (static_cast<int64_t>(selected.size()) < attributes.size && !queue.empty()) {
    Candidate<T> next = queue.top();
    queue.pop();
    const T before = next.score;
    bool hidden = false;
    for (size_t j = selected.size(); j-- > next.begin && !hidden;) {
      const T iou = overlap(read_box(boxes + next.box * 4, false),
                            read_box(boxes + selected[j].box * 4, false));
      hidden = !soft && iou > static_cast<T>(attributes.iou_threshold);
      if (soft) next.score *= std::exp(scale * iou * iou);
      if (next.score <= threshold) break;
    }
    next.begin = selected.size();
    if (hidden) continue;
    if (next.score == before) {
      selected.push_back(next);
    } else if (next.score > threshold) {
      queue.push(next);
    }
  }
  for (size_t i = 0; i < 3; ++i) HONE_RETURN_IF_ERROR(context.allocate_output(i).status());
  for (int64_t i = 0; i < attributes.size; ++i) {
    const bool there = i < static_cast<int64_t>(selected.size());
    context.outputs[0].mutable_data<int32_t>()[i] =
        there ? static_cast<int32_t>(selected[i].box) : 0;
    context.outputs[1].mutable_data<T>()[i] = there ? selected[i].score : 0;
  }
  *context.outputs[2].mutable_data<int32_t>() = static_cast<int32_t>(selected.size());
  return ok();
}

Status evaluate_padded(EvalContext& context) {
  return with_box_type(context.inputs[0].dtype(), [&](auto type) {
    return select_padded<typename decltype(type)::type>(context);
  });
}

}  // namespace

std::vector<OpDef> nms_ops() {
  return {{.name = "NonMaxSuppression",
           .summary = "Rows (batch, class, box) of the best boxes that overlap no better one; "
                      "inputs boxes, scores, optional limits",
           .min_inputs = 2,
           .max_inputs = 5,
           .defaults = NmsAttributes{},
           .infer = infer_nms,
           .evaluate = evaluate_nms},
          {.name = "NonMaxSuppressionPadded",
           .summary = "Indices and scores of the best boxes, filled up with zeros, and their "
                      "number; inputs boxes, scores",
           .min_inputs = 2,
           .max_inputs = 2,
           .num_outputs = 3,
           .defaults = PaddedNmsAttributes{},
           .infer = infer_padded,
           .evaluate = evaluate_padded}};
}

}  // namespace hone

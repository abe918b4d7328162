// NonMaxSuppression and CombinedNonMaxSuppression (kernels/cpu/nms.h).
#include "kernels/cpu/nms.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "ops/selection.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

constexpr int64_t kMaxBoxes = int64_t{1} << 31;

size_t line_bytes(int64_t count) { return round_up_to_line(static_cast<size_t>(count) * 8); }

// One number of i32 or i64.
int64_t read_int(DataType dtype, const void* data) {
  return dtype == DataType::i32 ? *static_cast<const int32_t*>(data)
                                : *static_cast<const int64_t*>(data);
}

// Every (batch, class) is a list of its own: its keys, then its selected boxes, in one stretch of
// the workspace. Behind these the boxes that each worker keeps.
class PreparedNms final : public PreparedStep {
 public:
  explicit PreparedNms(const PrepareArgs& args)
      : boxes_(args.inputs[0]),
        scores_(args.inputs[1]),
        center_point_(args.step->attr<NmsAttributes>().center_point_box),
        workers_(args.target->threads) {
    limit_dtype_ = args.inputs.size() > 2 ? args.inputs[2].dtype : DataType::i64;
    num_inputs_ = args.inputs.size();
    lists_ = scores_.shape[0] * scores_.shape[1];
    count_ = scores_.shape[2];
    counts_bytes_ = line_bytes(lists_);
    list_bytes_ = line_bytes(count_);
    kept_bytes_ = round_up_to_line(cpu::nms_workspace(count_));
  }
  size_t workspace_bytes() const override {
    return counts_bytes_ + static_cast<size_t>(lists_) * list_bytes_ +
           static_cast<size_t>(workers_) * kept_bytes_;
  }

  Status run(const StepContext& context) const override {
    if (count_ >= kMaxBoxes) return Status(Code::kOutOfResources, "more than 2^31 boxes");
    const int64_t limit = num_inputs_ > 2 ? read_int(limit_dtype_, context.inputs[2]) : 0;
    const float iou = num_inputs_ > 3 ? *static_cast<const float*>(context.inputs[3]) : 0;
    auto* counts = reinterpret_cast<int64_t*>(context.workspace);
    ThreadPool::global().parallel_for(std::min(context.threads, workers_), lists_,
                                      [&](int64_t begin, int64_t end, int worker) {
                                        for (int64_t i = begin; i < end; ++i)
                                          counts[i] = run_list(context, i, limit, iou, worker);
                                      });
    int64_t total = 0;
    for (int64_t i = 0; i < lists_; ++i) total += counts[i];
    const int64_t shape[] = {total, 3};
    void* data = nullptr;
    HONE_RETURN_IF_ERROR(context.sink->allocate(0, shape, &data));
    auto* to = static_cast<int64_t*>(data);
    for (int64_t i = 0; i < lists_; ++i) {
      const uint64_t* list = list_of(context, i);
      for (int64_t k = 0; k < counts[i]; ++k) {
        *to++ = i / scores_.shape[1];
        *to++ = i % scores_.shape[1];
        *to++ = static_cast<int64_t>(list[k]);
      }
    }
    return ok();
  }

 private:
  uint64_t* list_of(const StepContext& context, int64_t i) const {
    return reinterpret_cast<uint64_t*>(context.workspace + counts_bytes_ +
                                       static_cast<size_t>(i) * list_bytes_);
  }
  int64_t run_list(const StepContext& context, int64_t i, int64_t limit, float iou,
                   int worker) const {
    if (limit <= 0) return 0;
    const int64_t batch = i / scores_.shape[1], label = i % scores_.shape[1];
    const float* scores = static_cast<const float*>(context.inputs[1]) + batch * scores_.stride[0] +
                          label * scores_.stride[1];
    uint64_t* keys = list_of(context, i);
    int64_t found = 0;
    const float threshold = num_inputs_ > 4 ? *static_cast<const float*>(context.inputs[4]) : 0;
    for (int64_t k = 0; k < count_; ++k) {
      const bool passes = num_inputs_ > 4 ? scores[k] > threshold : scores[k] == scores[k];
      keys[found] = cpu::score_key(scores[k], static_cast<uint32_t>(k));
      found += passes ? 1 : 0;
    }
    cpu::NmsProblem problem;
    problem.boxes = static_cast<const float*>(context.inputs[0]) + batch * boxes_.stride[0];
    problem.box_stride = boxes_.stride[1];
    problem.center_point = center_point_;
    problem.limit = std::min(limit, count_);
    problem.iou_threshold = iou;
    std::byte* kept = context.workspace + counts_bytes_ +
                      static_cast<size_t>(lists_) * list_bytes_ +
                      static_cast<size_t>(worker) * kept_bytes_;
    return cpu::select_boxes(problem, keys, found, kept, keys);
  }

  TensorLayout boxes_, scores_;
  bool center_point_;
  int workers_;
  DataType limit_dtype_;
  size_t num_inputs_;
  int64_t lists_, count_;
  size_t counts_bytes_, list_bytes_, kept_bytes_;
};

Verdict can_read_boxes(const StepDesc& step) {
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  return step.inputs[0].type.dtype == DataType::f32 ? Verdict::yes() : Verdict::no("not f32");
}

class NmsTactic final : public Tactic {
 public:
  const char* name() const override { return "nms"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "NonMaxSuppression"; }
  bool can_size_outputs() const override { return true; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (const Verdict verdict = can_read_boxes(step); !verdict.ok()) return verdict;
    if (!step.sizes_outputs) return Verdict::no("the size of the result is known");
    if (step.inputs.size() > 2) {
      const DataType dtype = step.inputs[2].type.dtype;
      if (dtype != DataType::i32 && dtype != DataType::i64) {
        return Verdict::no("the limit is neither i32 nor i64");
      }
    }
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedNms>(args);
  }
};

// One list of a fixed size, filled up with zeros.
class PreparedPaddedNms final : public PreparedStep {
 public:
  explicit PreparedPaddedNms(const PrepareArgs& args)
      : attributes_(args.step->attr<PaddedNmsAttributes>()), boxes_(args.inputs[0]) {
    count_ = boxes_.shape[0];
    limit_ = std::min(attributes_.size, count_);
    keys_bytes_ = line_bytes(count_);
  }
  size_t workspace_bytes() const override { return keys_bytes_ + cpu::nms_workspace(limit_); }

  Status run(const StepContext& context) const override {
    if (count_ >= kMaxBoxes) return Status(Code::kOutOfResources, "more than 2^31 boxes");
    const auto* scores = static_cast<const float*>(context.inputs[1]);
    const auto threshold = static_cast<float>(attributes_.score_threshold);
    auto* keys = reinterpret_cast<uint64_t*>(context.workspace);
    int64_t passing = 0;
    for (int64_t i = 0; i < count_; ++i) {
      keys[passing] = cpu::score_key(scores[i], static_cast<uint32_t>(i));
      passing += scores[i] > threshold ? 1 : 0;
    }
    cpu::NmsProblem problem;
    problem.boxes = static_cast<const float*>(context.inputs[0]);
    problem.box_stride = boxes_.stride[0];
    problem.limit = limit_;
    problem.iou_threshold = static_cast<float>(attributes_.iou_threshold);
    const int64_t found =
        cpu::select_boxes(problem, keys, passing, context.workspace + keys_bytes_, keys);
    auto* places = static_cast<int32_t*>(context.outputs[0]);
    auto* best = static_cast<float*>(context.outputs[1]);
    for (int64_t i = 0; i < attributes_.size; ++i) {
      places[i] = i < found ? static_cast<int32_t>(keys[i]) : 0;
      best[i] = i < found ? scores[keys[i]] : 0;
    }
    *static_cast<int32_t*>(context.outputs[2]) = static_cast<int32_t>(found);
    return ok();
  }

 private:
  PaddedNmsAttributes attributes_;
  TensorLayout boxes_;
  int64_t count_, limit_;
  size_t keys_bytes_;
};

class PaddedNmsTactic final : public Tactic {
 public:
  const char* name() const override { return "nms_padded"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "NonMaxSuppressionPadded"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.attr<PaddedNmsAttributes>().soft_sigma > 0) return Verdict::no("soft NMS");
    return can_read_boxes(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedPaddedNms>(args);
  }
};

// One batch entry after the other, its classes in parallel. The scores are read once in the order
// of memory, and those that pass the threshold are put in one list per class.
class PreparedCombinedNms final : public PreparedStep {
 public:
  explicit PreparedCombinedNms(const PrepareArgs& args)
      : attributes_(args.step->attr<CombinedNmsAttributes>()),
        boxes_(args.inputs[0]),
        scores_(args.inputs[1]),
        outputs_{args.outputs[0], args.outputs[1], args.outputs[2], args.outputs[3]},
        workers_(args.target->threads) {
    count_ = scores_.shape[1];
    classes_ = scores_.shape[2];
    size_ = outputs_[1].shape[1];
    starts_bytes_ = line_bytes(classes_ + 1);
    founds_bytes_ = line_bytes(classes_);
    keys_bytes_ = line_bytes(count_ * classes_);
    positions_bytes_ = line_bytes((count_ * classes_ + 1) / 2);
    kept_bytes_ = round_up_to_line(cpu::nms_workspace(std::min(attributes_.max_per_class, count_)));
  }
  size_t workspace_bytes() const override {
    // Keys by class, then those of all classes together, then what these stand for.
    return starts_bytes_ + founds_bytes_ + 2 * keys_bytes_ + positions_bytes_ +
           static_cast<size_t>(workers_) * kept_bytes_;
  }

  Status run(const StepContext& context) const override {
    if (count_ * classes_ >= kMaxBoxes) return Status(Code::kOutOfResources, "2^31 scores");
    for (int64_t batch = 0; batch < scores_.shape[0]; ++batch) run_entry(context, batch);
    return ok();
  }

 private:
  int64_t* starts(const StepContext& c) const { return reinterpret_cast<int64_t*>(c.workspace); }
  int64_t* founds(const StepContext& c) const {
    return reinterpret_cast<int64_t*>(c.workspace + starts_bytes_);
  }
  uint64_t* keys(const StepContext& c) const {
    return reinterpret_cast<uint64_t*>(c.workspace + starts_bytes_ + founds_bytes_);
  }
  uint64_t* merged(const StepContext& c) const {
    return reinterpret_cast<uint64_t*>(c.workspace + starts_bytes_ + founds_bytes_ + keys_bytes_);
  }
  const float* score_row(const StepContext& c, int64_t batch, int64_t box) const {
    return static_cast<const float*>(c.inputs[1]) + batch * scores_.stride[0] +
           box * scores_.stride[1];
  }
  const float* box_of(const StepContext& c, int64_t batch, int64_t box, int64_t label) const {
    const int64_t column = boxes_.shape[2] > 1 ? label : 0;
    return static_cast<const float*>(c.inputs[0]) + batch * boxes_.stride[0] +
           box * boxes_.stride[1] + column * boxes_.stride[2];
  }

  void run_entry(const StepContext& context, int64_t batch) const {
    list_candidates(context, batch);
    ThreadPool::global().parallel_for(std::min(context.threads, workers_), classes_,
                                      [&](int64_t begin, int64_t end, int worker) {
                                        for (int64_t label = begin; label < end; ++label)
                                          run_class(context, batch, label, worker);
                                      });
    write_best(context, batch, merge(context, batch));
  }

  void list_candidates(const StepContext& context, int64_t batch) const {
    const auto threshold = static_cast<float>(attributes_.score_threshold);
    int64_t* start = starts(context);
    std::fill_n(start, classes_ + 1, 0);
    for (int64_t i = 0; i < count_; ++i) {
      const float* row = score_row(context, batch, i);
      for (int64_t c = 0; c < classes_; ++c) start[c + 1] += row[c] > threshold ? 1 : 0;
    }
    for (int64_t c = 0; c < classes_; ++c) start[c + 1] += start[c];
    int64_t* next = founds(context);
    std::copy_n(start, classes_, next);
    for (int64_t i = 0; i < count_; ++i) {
      const float* row = score_row(context, batch, i);
      for (int64_t c = 0; c < classes_; ++c) {
        if (!(row[c] > threshold)) continue;
        keys(context)[next[c]++] = cpu::score_key(row[c], static_cast<uint32_t>(i));
      }
    }
  }

  void run_class(const StepContext& context, int64_t batch, int64_t label, int worker) const {
    const int64_t begin = starts(context)[label], found = starts(context)[label + 1] - begin;
    cpu::NmsProblem problem;
    problem.boxes = box_of(context, batch, 0, label);
    problem.box_stride = boxes_.stride[1];
    problem.limit = std::min(attributes_.max_per_class, count_);
    problem.iou_threshold = static_cast<float>(attributes_.iou_threshold);
    uint64_t* list = keys(context) + begin;
    std::byte* kept = context.workspace + starts_bytes_ + founds_bytes_ + 2 * keys_bytes_ +
                      positions_bytes_ + static_cast<size_t>(worker) * kept_bytes_;
    founds(context)[label] = cpu::select_boxes(problem, list, found, kept, list);
  }

  // The best of all classes: keys with class * count + box as their place, sorted as far as needed.
  int64_t merge(const StepContext& context, int64_t batch) const {
    uint64_t* all = merged(context);
    int64_t total = 0;
    for (int64_t label = 0; label < classes_; ++label) {
      const uint64_t* list = keys(context) + starts(context)[label];
      for (int64_t k = 0; k < founds(context)[label]; ++k) {
        const auto box = static_cast<int64_t>(list[k]);
        const float score = score_row(context, batch, box)[label];
        // By selection order within a class, which is also the order of equal scores.
        all[total] = cpu::score_key(score, static_cast<uint32_t>(total));
        positions(context)[total] = static_cast<uint32_t>(label * count_ + box);
        ++total;
      }
    }
    const int64_t found = std::min(total, size_);
    if (found < total) std::nth_element(all, all + found, all + total);
    std::sort(all, all + found);
    return found;
  }
  uint32_t* positions(const StepContext& c) const {
    return reinterpret_cast<uint32_t*>(c.workspace + starts_bytes_ + founds_bytes_ +
                                       2 * keys_bytes_);
  }

  void write_best(const StepContext& context, int64_t batch, int64_t found) const {
    const auto at = [&](int k) {
      return static_cast<float*>(context.outputs[k]) + batch * outputs_[k].stride[0];
    };
    for (int64_t i = 0; i < size_; ++i) {
      const bool there = i < found;
      const int64_t position = there ? positions(context)[cpu::key_place(merged(context)[i])] : 0;
      const int64_t label = there ? position / count_ : 0, box = there ? position % count_ : 0;
      const float* from = there ? box_of(context, batch, box, label) : nullptr;
      for (int64_t k = 0; k < 4; ++k) {
        const float value = there ? from[k] : 0;
        at(0)[i * outputs_[0].stride[1] + k] =
            attributes_.clip_boxes ? std::max(std::min(value, 1.0f), 0.0f) : value;
      }
      at(1)[i] = there ? score_row(context, batch, box)[label] : 0;
      at(2)[i] = static_cast<float>(label);
    }
    static_cast<int32_t*>(context.outputs[3])[batch] = static_cast<int32_t>(found);
  }

  CombinedNmsAttributes attributes_;
  TensorLayout boxes_, scores_, outputs_[4];
  int workers_;
  int64_t count_, classes_, size_;
  size_t starts_bytes_, founds_bytes_, keys_bytes_, positions_bytes_, kept_bytes_;
};

class CombinedNmsTactic final : public Tactic {
 public:
  const char* name() const override { return "combined_nms"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "CombinedNonMaxSuppression"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    return can_read_boxes(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedCombinedNms>(args);
  }
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_nms() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<NmsTactic>());
  tactics.push_back(std::make_unique<PaddedNmsTactic>());
  tactics.push_back(std::make_unique<CombinedNmsTactic>());
  return tactics;
}

}  // namespace hone

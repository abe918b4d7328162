// Resize of neighbouring dimensions in front of the channels: linear and cubic by weighted sums of
// f32 (kernels/cpu/resize.h), nearest by copies of pixels of any dtype. Places and weights are
// computed when shapes are bound.
#include "ops/resize.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/cpu/resize.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

using cpu::Isa;

// Where the elements along one dimension of the result come from.
struct AxisTable {
  int64_t size = 1, out_stride = 0;
  int taps = 1;
  std::vector<int64_t> offset;  // [size][taps], in elements of data
  std::vector<float> weight;    // [size][taps]
};

// The resized dimensions (sorted, right-aligned: planes, lines, columns) and all loops around.
struct ResizeTables {
  AxisTable axis[3];
  std::vector<LoopDim> outer;
  int64_t channels = 1;

  int64_t lines() const { return loop_count(outer) * axis[0].size * axis[1].size; }
};

AxisTable make_axis_table(const ResizeAttributes& attributes, size_t k, const TensorLayout& in,
                          const TensorLayout& out, int dim) {
  AxisTable table;
  table.size = out.shape[dim];
  table.out_stride = out.stride[dim];
  table.taps = num_resize_taps(attributes);
  for (const ResizeTaps& taps : resize_taps(attributes, k, in.shape[dim], out.shape[dim])) {
    for (int t = 0; t < table.taps; ++t) {
      table.offset.push_back(taps.index[t] * in.stride[dim]);
      table.weight.push_back(taps.weight[t]);
    }
  }
  return table;
}

ResizeTables make_tables(const PrepareArgs& args) {
  const auto& attributes = args.step->attr<ResizeAttributes>();
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  const auto axes = resize_axes(attributes, static_cast<size_t>(in.rank));
  HONE_CHECK(axes.ok());
  ResizeTables tables;
  for (AxisTable& table : tables.axis) {
    table.offset = {0};
    table.weight = {1};
  }
  const int first = *std::min_element(axes->begin(), axes->end());
  for (size_t k = 0; k < axes->size(); ++k) {
    const int dim = (*axes)[k];
    tables.axis[dim + 4 - in.rank] = make_axis_table(attributes, k, in, out, dim);
  }
  for (int i = 0; i < first; ++i) {
    tables.outer.push_back({in.shape[i], in.stride[i], out.stride[i]});
  }
  tables.outer = merge_dims(tables.outer);
  tables.channels = out.shape[out.rank - 1];
  return tables;
}

// Offsets of a line of the result, and of the planes and lines of data that it is made of.
struct LinePlace {
  int64_t in = 0, out = 0;
  int64_t plane = 0, line = 0;
};
LinePlace place_of(const ResizeTables& tables, int64_t item) {
  LinePlace place;
  place.line = item % tables.axis[1].size;
  item /= tables.axis[1].size;
  place.plane = item % tables.axis[0].size;
  loop_offsets(tables.outer, item / tables.axis[0].size, &place.in, &place.out);
  place.out += place.plane * tables.axis[0].out_stride + place.line * tables.axis[1].out_stride;
  return place;
}

// A line of the result at a time; what there is to say about empty tensors.
class PreparedResize : public PreparedStep {
 public:
  explicit PreparedResize(const PrepareArgs& args) {
    empty_ = args.outputs[0].num_elements() == 0;
    nothing_ = args.inputs[0].num_elements() == 0;
    if (!empty_ && !nothing_) tables_ = make_tables(args);
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    if (nothing_) return Status(Code::kShape, "there is nothing to be resized");
    ThreadPool::global().parallel_for(context.threads, tables_.lines(),
                                      [&](int64_t begin, int64_t end, int) {
                                        for (int64_t i = begin; i < end; ++i)
                                          run_line(i, context.inputs[0], context.outputs[0]);
                                      });
    return ok();
  }

 protected:
  virtual void run_line(int64_t item, const void* in, void* out) const = 0;
  ResizeTables tables_;

 private:
  bool empty_, nothing_;
};

class PreparedBlend final : public PreparedResize {
 public:
  PreparedBlend(const PrepareArgs& args, Isa isa)
      : PreparedResize(args), run_(cpu::resize_kernel(isa)) {}

 private:
  void run_line(int64_t item, const void* data, void* result) const override {
    const auto* in = static_cast<const float*>(data);
    auto* out = static_cast<float*>(result);
    const LinePlace place = place_of(tables_, item);
    const auto& [planes, lines, columns] = tables_.axis;
    cpu::ResizeLine line;
    line.pixels = columns.size;
    line.channels = tables_.channels;
    line.lines = planes.taps * lines.taps;
    line.columns = columns.taps;
    for (int p = 0, k = 0; p < planes.taps; ++p) {
      const auto at = static_cast<size_t>(place.plane * planes.taps + p);
      for (int l = 0; l < lines.taps; ++l, ++k) {
        const auto under = static_cast<size_t>(place.line * lines.taps + l);
        line.line[k] = in + place.in + planes.offset[at] + lines.offset[under];
        line.line_weight[k] = planes.weight[at] * lines.weight[under];
      }
    }
    line.column = columns.offset.data();
    line.column_weight = columns.weight.data();
    line.out = out + place.out;
    line.out_step = columns.out_stride;
    run_(line);
  }

  cpu::ResizeRun run_;
};

class PreparedNearest final : public PreparedResize {
 public:
  explicit PreparedNearest(const PrepareArgs& args)
      : PreparedResize(args), size_(static_cast<int64_t>(dtype_size(args.outputs[0].dtype))) {}

 private:
  void run_line(int64_t item, const void* data, void* result) const override {
    const auto* in = static_cast<const std::byte*>(data);
    auto* out = static_cast<std::byte*>(result);
    const LinePlace place = place_of(tables_, item);
    const auto& [planes, lines, columns] = tables_.axis;
    in += size_ * (place.in + planes.offset[static_cast<size_t>(place.plane)] +
                   lines.offset[static_cast<size_t>(place.line)]);
    out += size_ * place.out;
    const auto bytes = static_cast<size_t>(tables_.channels * size_);
    for (int64_t x = 0; x < columns.size; ++x) {
      std::memcpy(out + x * columns.out_stride * size_,
                  in + columns.offset[static_cast<size_t>(x)] * size_, bytes);
    }
  }

  int64_t size_;
};

Verdict resize_basics(const StepDesc& step) {
  const size_t rank = step.in_shape(0).size();
  if (rank > kMaxRank) return Verdict::no("rank over 8");
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  auto axes = resize_axes(step.attr<ResizeAttributes>(), rank);
  HONE_CHECK(axes.ok());
  if (axes->empty() || axes->size() > 3) return Verdict::no("not 1 to 3 dimensions");
  std::sort(axes->begin(), axes->end());
  if (axes->back() + 2 != static_cast<int>(rank) ||
      axes->back() - axes->front() + 1 != static_cast<int>(axes->size())) {
    return Verdict::no("the dimensions are not those in front of the last");
  }
  return Verdict::yes();
}

class ResizeBlend final : public Tactic {
 public:
  explicit ResizeBlend(Isa isa) : isa_(isa), name_(fmt::format("resize_{}", isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return "Resize"; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (step.attr<ResizeAttributes>().mode == "nearest") return Verdict::no("nearest copies");
    if (step.inputs[0].type.dtype != DataType::f32) return Verdict::no("only f32 is done");
    return resize_basics(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedBlend>(args, isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

class ResizeNearest final : public Tactic {
 public:
  const char* name() const override { return "resize_nearest"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Resize"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.attr<ResizeAttributes>().mode != "nearest") return Verdict::no("not nearest");
    if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
    return resize_basics(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedNearest>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_resize(cpu::Isa isa) { return std::make_unique<ResizeBlend>(isa); }
std::unique_ptr<Tactic> make_resize_nearest() { return std::make_unique<ResizeNearest>(); }

}  // namespace hone

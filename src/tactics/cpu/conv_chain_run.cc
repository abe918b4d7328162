#include <algorithm>

#include "base/check.h"
#include "base/thread_pool.h"
#include "tactics/conv_chain_parts.h"
#include "tactics/cpu/conv_chain.h"
#include "tactics/cpu/conv_problem.h"

namespace hone {
namespace {

using cpu::Isa;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

TensorLayout layout_of(const Shape& shape, const cpu::Strides& strides) {
  TensorLayout layout;
  layout.rank = 4;
  for (int i = 0; i < 4; ++i) layout.shape[i] = shape[static_cast<size_t>(i)].value();
  layout.stride[0] = strides.n;
  layout.stride[1] = strides.h;
  layout.stride[2] = strides.w;
  layout.stride[3] = 1;
  return layout;
}

// The chain at the shapes of the layouts.
StepDesc with_shapes(const PrepareArgs& args) {
  StepDesc step = *args.step;
  const auto set = [](OperandDesc& operand, const TensorLayout& layout) {
    operand.type.shape.assign(layout.shape, layout.shape + layout.rank);
  };
  for (size_t i = 0; i < args.inputs.size(); ++i) set(step.inputs[i], args.inputs[i]);
  set(step.outputs[0], args.outputs[0]);
  return step;
}

cpu::Conv prepare_strip(cpu::ConvProblem problem, int64_t rows, const cpu::ConvConfig& tile,
                        Isa isa) {
  problem.batch = 1;
  problem.out_h = rows;
  cpu::Conv conv = cpu::prepare_conv(problem, tile, isa);
  cpu::join_items(&conv);
  return conv;
}

// One Conv of the chain.
struct Stage {
  FusedEpilogue epilogue;
  EpilogueRest rest;
  const float* packed = nullptr;
  std::vector<size_t> sources;  // which inputs of the chain its inputs from the bias on are
};

// What a stage reads and writes during a run, as its own context.
struct StageOperands {
  const void* inputs[kMaxChainInputs] = {};
  void* outputs[1] = {};
  StepContext context;
  EpilogueRest::Call call;

  template <class Pointers>
  void bind(const Stage& stage, const StepContext& chain, Pointers* pointers) {
    for (size_t i = 0; i < stage.sources.size(); ++i)
      inputs[2 + i] = chain.inputs[stage.sources[i]];
    context.inputs = inputs;
    context.outputs = outputs;
    set_epilogue(stage.epilogue, context, pointers);
    pointers->packed = stage.packed;
    stage.rest.attach(context, &call, pointers);
  }
};

class PreparedChain final : public PreparedStep {
 public:
  PreparedChain(const PrepareArgs& args, const ChainRoles& roles, const ChainConfig& config,
                Isa isa)
      : roles_(roles), strip_(config.strip), threads_(args.target->threads) {
    const std::vector<StepDesc> parts = conv_chain_parts(with_shapes(args));
    const ChainPacking packing = chain_packing(parts, roles, config.tile, isa);
    for (size_t i = 0; i < parts.size(); ++i) {
      stages_[i].packed = reinterpret_cast<const float*>(args.packed + packing.offset[i]);
    }
    run_filter_ = cpu::depthwise_kernel(isa);
    prepare_filter(args, parts, isa);
    if (roles.expand >= 0) prepare_expand(args, parts, config.tile, isa);
    if (roles.project >= 0) prepare_project(args, parts, config.tile, isa);
    strips_ = ceil_div(filter_.out_h, strip_);
    items_ = filter_.out_w > 0 ? filter_.batch * strips_ : 0;
    input_bytes_ = round_up_to_line(input_.workspace_bytes());
    ring_bytes_ = round_up_to_line(static_cast<size_t>(ring_floats_) * sizeof(float));
    thread_bytes_ =
        ring_bytes_ + round_up_to_line(static_cast<size_t>(strip_floats_) * sizeof(float));
    choose_grain();
  }

  size_t workspace_bytes() const override {
    return input_bytes_ + thread_bytes_ * static_cast<size_t>(threads_);
  }

  Status run(const StepContext& context) const override {
    if (items_ == 0) return ok();
    const float* input =
        roles_.expand >= 0 ? input_.make(context) : static_cast<const float*>(context.inputs[0]);
    ThreadPool::global().parallel_for(
        std::min(context.threads, threads_), items_,
        [&](int64_t begin, int64_t end, int worker) {
          std::byte* workspace =
              context.workspace + input_bytes_ + thread_bytes_ * static_cast<size_t>(worker);
          Worker(*this, context, input, workspace).run(begin, end);
        },
        grain_);
    return ok();
  }

 private:
  // One thread's part of a run.
  class Worker {
   public:
    Worker(const PreparedChain& chain, const StepContext& context, const float* input,
           std::byte* workspace);
    void run(int64_t begin, int64_t end);

   private:
    void expand(int64_t image, int64_t first, int64_t last);
    void project(int64_t image, int64_t first, int64_t last);

    const PreparedChain& chain_;
    const float* input_;
    float* ring_;
    float* strip_;
    float* output_;
    cpu::ConvPointers expand_, project_;
    cpu::DepthwisePointers filter_;
    StageOperands expand_at_, filter_at_, project_at_;
    int64_t made_ = 0;  // blocks of expanded rows of the image
  };

  void prepare_stage(size_t i, const PrepareArgs& args, const PrepareArgs& part, Isa isa);
  void prepare_filter(const PrepareArgs& args, const std::vector<StepDesc>& parts, Isa isa);
  void prepare_expand(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                      const cpu::ConvConfig& tile, Isa isa);
  void prepare_project(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                       const cpu::ConvConfig& tile, Isa isa);
  void choose_grain();

  ChainRoles roles_;
  int64_t strip_;  // output rows
  int threads_;
  Stage stages_[3];
  PaddedInput input_;
  cpu::Strides source_;                        // of the input that expand reads
  cpu::Conv expand_block_, expand_rest_;       // rows of a block; of the last one of an image
  int64_t block_ = 1, expanded_rows_ = 0;      // rows of a block, of an image
  int64_t expand_stride_ = 1;                  // input rows per expanded row
  int64_t pad_left_ = 0, expanded_width_ = 0;  // of the ring: columns before the expanded ones
  cpu::DepthwiseProblem filter_;
  cpu::DepthwiseRun run_filter_;
  cpu::Conv project_strip_, project_rest_;
  cpu::Strides output_strides_, addend_strides_;
  int64_t strips_ = 0, items_ = 0, grain_ = 1;
  int64_t ring_floats_ = 0, strip_floats_ = 0;
  size_t input_bytes_, ring_bytes_, thread_bytes_;
};

// `part`: the layouts of the stage's own operands.
void PreparedChain::prepare_stage(size_t i, const PrepareArgs& args, const PrepareArgs& part,
                                  Isa isa) {
  Stage& stage = stages_[i];
  stage.epilogue = split_epilogue(*part.step);
  stage.rest.prepare(stage.epilogue, part, isa);
  stage.sources.push_back(2 * i + 2);
  for (size_t k = 3; k < part.inputs.size(); ++k) {
    stage.sources.push_back(args.step->num_root_inputs() + k - 3);
  }
}

// The layouts of one part's operands: data, weights, bias, and those of the chain's epilogue.
std::vector<TensorLayout> part_inputs(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                                      size_t i, const TensorLayout& data) {
  std::vector<TensorLayout> layouts = {data, args.inputs[2 * i + 1], args.inputs[2 * i + 2]};
  for (size_t k = 3; k < parts[i].inputs.size(); ++k) {
    layouts.push_back(args.inputs[args.step->num_root_inputs() + k - 3]);
  }
  return layouts;
}

PrepareArgs part_args(const PrepareArgs& args, const StepDesc& part,
                      std::span<const TensorLayout> inputs, const TensorLayout& output) {
  PrepareArgs out;
  out.step = &part;
  out.target = args.target;
  out.inputs = inputs;
  out.outputs = {&output, 1};
  return out;
}

// A buffer of rows of `shape`, which all images share.
TensorLayout strip_layout(const Shape& shape, int64_t columns) {
  const int64_t c = shape[3].value();
  return layout_of(shape, {0, columns * c, c});
}

void PreparedChain::prepare_filter(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                                   Isa isa) {
  const auto i = static_cast<size_t>(roles_.filter);
  const StepDesc& part = parts[i];
  const TensorLayout data = roles_.expand < 0
                                ? args.inputs[0]
                                : strip_layout(part.in_shape(0), part.in_shape(0)[2].value());
  const TensorLayout output = roles_.project < 0
                                  ? args.outputs[0]
                                  : strip_layout(part.out_shape(), part.out_shape()[2].value());
  const auto inputs = part_inputs(args, parts, i, data);
  const PrepareArgs own = part_args(args, part, inputs, output);
  prepare_stage(i, args, own, isa);
  const FusedEpilogue& epilogue = stages_[i].epilogue;
  filter_ = depthwise_problem(conv_problem(own, epilogue));
  set_strides(data, filter_.in_strides);
  set_strides(output, filter_.out_strides);
  if (epilogue.addend >= 0) {
    set_strides(inputs[static_cast<size_t>(epilogue.addend)], filter_.addend_strides);
  }
  if (roles_.project >= 0) strip_floats_ = strip_ * filter_.out_strides[1];
  if (roles_.expand < 0) return;
  // Expanded rows lie in a ring with their padding left and right.
  pad_left_ = filter_.pad_left;
  expanded_rows_ = filter_.in_h;
  expanded_width_ = filter_.in_w;
  const int64_t reach =
      (filter_.out_w - 1) * filter_.stride_w + (filter_.kernel_w - 1) * filter_.dilation_w + 1;
  filter_.in_w = std::max(pad_left_ + expanded_width_, reach);
  filter_.pad_left = 0;
  filter_.in_strides[1] = filter_.in_w * filter_.channels;
  // Tiles of a narrow row leave registers idle, so blocks have at least about 48 pixels.
  constexpr int64_t kBlockPixels = 48;
  block_ = std::clamp<int64_t>(kBlockPixels / std::max<int64_t>(expanded_width_, 1), 1,
                               std::max<int64_t>(expanded_rows_, 1));
  const int64_t window = (strip_ - 1) * filter_.stride_h + filter_.kernel_h + 2 * (block_ - 1);
  filter_.ring_rows =
      ceil_div(std::min(window, std::max<int64_t>(expanded_rows_, 1)), block_) * block_;
  ring_floats_ = filter_.ring_rows * filter_.in_strides[1];
}

void PreparedChain::prepare_expand(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                                   const cpu::ConvConfig& tile, Isa isa) {
  const TensorLayout output = strip_layout(parts[0].out_shape(), filter_.in_w);
  const auto inputs = part_inputs(args, parts, 0, args.inputs[0]);
  const PrepareArgs own = part_args(args, parts[0], inputs, output);
  prepare_stage(0, args, own, isa);
  cpu::ConvProblem problem = conv_problem(own, stages_[0].epilogue);
  input_.prepare(own, &problem);
  source_ = problem.input;
  expand_stride_ = problem.stride_h;
  expand_block_ = prepare_strip(problem, std::min(block_, expanded_rows_), tile, isa);
  expand_rest_ = prepare_strip(problem, expanded_rows_ % block_, tile, isa);
}

void PreparedChain::prepare_project(const PrepareArgs& args, const std::vector<StepDesc>& parts,
                                    const cpu::ConvConfig& tile, Isa isa) {
  const size_t i = parts.size() - 1;
  const TensorLayout data = strip_layout(parts[i].in_shape(0), parts[i].in_shape(0)[2].value());
  const auto inputs = part_inputs(args, parts, i, data);
  const PrepareArgs own = part_args(args, parts[i], inputs, args.outputs[0]);
  prepare_stage(i, args, own, isa);
  cpu::ConvProblem problem = conv_problem(own, stages_[i].epilogue);
  problem.input = image_strides(data);
  output_strides_ = problem.output;
  addend_strides_ = problem.addend;
  project_strip_ = prepare_strip(problem, std::min(strip_, filter_.out_h), tile, isa);
  project_rest_ = prepare_strip(problem, filter_.out_h % strip_, tile, isa);
}

// A thread that begins inside an image makes the rows that its first strip shares with the one
// before a second time: kernel - stride rows. At most an eighth of its work, unless that would
// leave threads without any.
void PreparedChain::choose_grain() {
  const int64_t halo = filter_.kernel_h - filter_.stride_h;
  if (roles_.expand < 0 || halo <= 0) return;
  const int64_t rows = ceil_div(filter_.batch * filter_.out_h, std::max(threads_, 1));
  grain_ = std::max<int64_t>(1, std::min(8 * halo, rows) / strip_);
}

PreparedChain::Worker::Worker(const PreparedChain& chain, const StepContext& context,
                              const float* input, std::byte* workspace)
    : chain_(chain),
      input_(input),
      ring_(reinterpret_cast<float*>(workspace)),
      strip_(reinterpret_cast<float*>(workspace + chain.ring_bytes_)),
      output_(static_cast<float*>(context.outputs[0])) {
  const ChainRoles& roles = chain.roles_;
  filter_at_.bind(chain.stages_[roles.filter], context, &filter_);
  filter_.input = roles.expand < 0 ? input : ring_;
  filter_.output = output_;
  filter_at_.outputs[0] = output_;
  if (roles.project >= 0) project_at_.bind(chain.stages_[roles.project], context, &project_);
  if (roles.expand < 0) return;
  expand_at_.bind(chain.stages_[0], context, &expand_);
  // The columns of padding; nobody writes them later.
  const cpu::DepthwiseProblem& filter = chain.filter_;
  const int64_t before = chain.pad_left_ * filter.channels;
  const int64_t behind = (chain.pad_left_ + chain.expanded_width_) * filter.channels;
  for (int64_t y = 0; y < filter.ring_rows; ++y) {
    float* row = ring_ + y * filter.in_strides[1];
    std::fill(row, row + before, 0.0f);
    std::fill(row + behind, row + filter.in_strides[1], 0.0f);
  }
}

void PreparedChain::Worker::run(int64_t begin, int64_t end) {
  for (int64_t item = begin, image = -1; item < end; ++item) {
    if (item / chain_.strips_ != image) {
      image = item / chain_.strips_;
      made_ = 0;
    }
    const int64_t out_h = chain_.filter_.out_h;
    const int64_t first = item % chain_.strips_ * chain_.strip_;
    const int64_t last = std::min(first + chain_.strip_, out_h);
    if (chain_.roles_.expand >= 0) expand(image, first, last);
    if (chain_.roles_.project >= 0) {
      filter_.output = strip_ - first * chain_.filter_.out_strides[1];
      filter_at_.outputs[0] = filter_.output;
    }
    chain_.run_filter_(chain_.filter_, filter_, image * out_h + first, image * out_h + last);
    if (chain_.roles_.project >= 0) project(image, first, last);
  }
}

// Makes the blocks that the output rows [first, last) read and that are not there yet.
void PreparedChain::Worker::expand(int64_t image, int64_t first, int64_t last) {
  const cpu::DepthwiseProblem& filter = chain_.filter_;
  const int64_t rows = chain_.expanded_rows_, block = chain_.block_;
  const int64_t from = first * filter.stride_h - filter.pad_top;
  const int64_t to =
      std::min((last - 1) * filter.stride_h - filter.pad_top + filter.kernel_h, rows);
  made_ = std::max(made_, std::max<int64_t>(from, 0) / block);
  for (; made_ * block < to; ++made_) {
    const int64_t y = made_ * block;
    expand_.input =
        input_ + image * chain_.source_.n + y * chain_.expand_stride_ * chain_.source_.h;
    expand_.output =
        ring_ + y % filter.ring_rows * filter.in_strides[1] + chain_.pad_left_ * filter.channels;
    expand_at_.outputs[0] = expand_.output;
    const cpu::Conv& conv = y + block <= rows ? chain_.expand_block_ : chain_.expand_rest_;
    cpu::run_conv(conv, expand_, 0, conv.items);
  }
}

void PreparedChain::Worker::project(int64_t image, int64_t first, int64_t last) {
  const Stage& stage = chain_.stages_[chain_.roles_.project];
  const cpu::Strides &out = chain_.output_strides_, &add = chain_.addend_strides_;
  cpu::ConvPointers at = project_;
  at.input = strip_;
  at.output = output_ + image * out.n + first * out.h;
  if (at.addend != nullptr) at.addend += image * add.n + first * add.h;
  if (!stage.rest.empty()) {
    project_at_.outputs[0] = output_;
    project_at_.call.first_pixel = (image * chain_.filter_.out_h + first) * chain_.filter_.out_w;
  }
  const bool whole = last - first == chain_.strip_;
  const cpu::Conv& conv = whole ? chain_.project_strip_ : chain_.project_rest_;
  cpu::run_conv(conv, at, 0, conv.items);
}

}  // namespace

std::unique_ptr<PreparedStep> prepare_chain(const PrepareArgs& args, const ChainRoles& roles,
                                            const ChainConfig& config, Isa isa) {
  return std::make_unique<PreparedChain>(args, roles, config, isa);
}

}  // namespace hone

// Programs (ops/program.h) for the pointwise kernels, and epilogues as matrix kernels take them.
#pragma once

#include <optional>
#include <vector>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/pointwise.h"
#include "tactics/cpu/common.h"

namespace hone {

// A step of a pointwise operator as one program: the operator (or its program), then the epilogue.
Program step_program(const StepDesc& step);

// The kernel's form of a program; nullopt if it is too large for it.
std::optional<cpu::PointwiseProgram> to_kernel_program(const Program& program);

// An epilogue split into what a matrix kernel does in registers and a rest that runs over the
// finished outputs while they are in the L1 cache:
//   output = rest(clamp(result + bias + addend, lo, hi))
struct FusedEpilogue {
  int bias = -1;    // node input with one value per channel (Conv's own, if it has one), or -1
  int addend = -1;  // node input of the output's shape, or -1
  float lo = -__builtin_inff(), hi = __builtin_inff();
  Program rest;             // empty, or with input 0 = the clamped value
  std::vector<int> extras;  // node inputs behind the other inputs of `rest`
};
FusedEpilogue split_epilogue(const StepDesc& step);
// Sets bias, addend, lo and hi of a kernel's pointers for one run.
template <class Pointers>
void set_epilogue(const FusedEpilogue& epilogue, const StepContext& context, Pointers* pointers) {
  if (epilogue.bias >= 0) pointers->bias = static_cast<const float*>(context.inputs[epilogue.bias]);
  if (epilogue.addend >= 0)
    pointers->addend = static_cast<const float*>(context.inputs[epilogue.addend]);
  pointers->lo = epilogue.lo;
  pointers->hi = epilogue.hi;
}
// Input i is added in registers and not read again: the output may lie in its place.
bool output_may_replace_addend(const StepDesc& step, size_t i);

// Yes if the extra inputs are of the forms that the matrix kernels handle (shape of the output, one
// value per channel, a scalar) and the rest fits the pointwise kernel.
Verdict can_fuse_epilogue(const StepDesc& step);

// The rest of an epilogue, ready to run over ranges of output pixels (all dimensions but the last,
// in row-major order). Plain data but for the vectors; immutable when running.
class EpilogueRest {
 public:
  // `outputs[0]` is the output's layout. REQUIRES: can_fuse_epilogue.
  void prepare(const FusedEpilogue& epilogue, const PrepareArgs& args, cpu::Isa isa);
  bool empty() const { return program_.num_instrs == 0; }

  // What the kernels' tail callback gets as `user`; lives during one run.
  struct Call {
    const EpilogueRest* rest = nullptr;
    const StepContext* context = nullptr;
    int64_t first_pixel = 0;  // added to the pixels that the kernel counts
  };
  // Has a kernel do it for one run: as the activation of its register tiles where the kernel and
  // the rest allow it, else as its tail. `call` and `context` must live as long as the pointers.
  template <class Pointers>
  void attach(const StepContext& context, Call* call, Pointers* pointers) const {
    if (empty()) return;
    if constexpr (requires { pointers->activation; }) {
      pointers->activation = activation_;
      if (activation_ != nullptr) return;
    }
    call->rest = this;
    call->context = &context;
    pointers->tail = &EpilogueRest::tail;
    pointers->tail_user = call;
  }

 private:
  // Signature of cpu::ConvTail.
  static void tail(void* call, int64_t pixel, int64_t pixels, int64_t channel, int64_t channels);
  struct Extra {
    int input;
    TensorLayout layout;
    enum class Form { kFull, kChannel, kScalar } form;
  };
  void run_row(const StepContext& context, int64_t offset_out, const int64_t* index, int64_t pixels,
               int64_t channel, int64_t channels) const;

  cpu::PointwiseProgram program_ = {};
  cpu::PointwiseRun run_ = nullptr;
  cpu::TileActivation activation_ = nullptr;  // all of it, or null
  TensorLayout output_;
  std::vector<Extra> extras_;
};

}  // namespace hone

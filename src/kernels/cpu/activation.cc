#include "kernels/cpu/activation.h"

#include "kernels/cpu/pointwise_steps.h"

namespace hone::cpu {
namespace {

const TileActivations& activations(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::kTileActivations
         : isa == Isa::kAvx2 ? avx2::kTileActivations
                             : portable::kTileActivations;
}

}  // namespace

TileActivation tile_activation(const PointwiseProgram& program, Isa isa) {
  if (program.num_instrs == 0 || program.num_instrs > 2) return nullptr;
  PointwiseSteps compiled;
  compile_pointwise(program, &compiled);
  const PointwiseStep& step = compiled.steps[0];
  if (compiled.num_steps != 1 || step.args[0] != 0) return nullptr;
  const TileActivations& known = activations(isa);
  if (step.kind == PointwiseStep::Kind::kSilu) return known.silu;
  if (step.kind != PointwiseStep::Kind::kFn) return nullptr;
  switch (step.fn) {
    case PointwiseFn::kGelu:
      return known.gelu;
    case PointwiseFn::kGeluTanh:
      return known.gelu_tanh;
    case PointwiseFn::kSigmoid:
      return known.sigmoid;
    case PointwiseFn::kTanh:
      return known.tanh;
    case PointwiseFn::kMish:
      return known.mish;
    case PointwiseFn::kHardSwish:
      return known.hard_swish;
    default:
      return nullptr;
  }
}

}  // namespace hone::cpu

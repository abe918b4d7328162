// Outputs of the steps that end a stage: their sizes are found out while running.
#include "runtime/found_outputs.h"

#include <fmt/core.h>

#include "runtime/context_impl.h"

namespace hone {

Status ExecutionContext::Impl::Sink::allocate(size_t output, std::span<const int64_t> shape,
                                              void** data) {
  StageState& state = impl_.stages[stage_];
  const Stage& stage = binding_.stage();
  const int v = impl_.portable().steps[stage.end - 1].outputs[output];
  if (state.is_found[output]) return Status(Code::kInternal, "an output was given twice");
  HONE_RETURN_IF_ERROR(take_sizes(stage.found_dims[output], shape));
  const DataType dtype = impl_.portable().values[v].type.dtype;
  size_t bytes = dtype_size(dtype);
  for (int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes) ||
        bytes > static_cast<size_t>(kMaxTensorBytes)) {
      return Status(Code::kOutOfResources, "the result is too large");
    }
  }
  state.is_found[output] = true;
  state.found_shapes[output].assign(shape.begin(), shape.end());
  if (const int i = impl_.plan_stages().output[v]; i >= 0) {
    impl_.output_shape.assign(shape.begin(), shape.end());
    HONE_RETURN_IF_ERROR(impl_.allocate_output(static_cast<size_t>(i), dtype, bytes, allocate_));
    impl_.pointers[v] = *data = impl_.output_pointers[i];
    return ok();
  }
  // A little more than asked for: sizes that go up and down should not allocate again and again.
  MemoryBlock& block = state.found[output];
  if (block.bytes() < bytes + 64 && !block.grow(bytes + bytes / 4 + 64)) {
    return Status(Code::kOutOfResources, fmt::format("no memory for {} bytes", bytes));
  }
  impl_.pointers[v] = *data = block.data();
  return ok();
}

Status ExecutionContext::Impl::Sink::take_sizes(const std::vector<FoundDim>& dims,
                                                std::span<const int64_t> shape) {
  bool fits = dims.size() == shape.size();
  for (size_t i = 0; fits && i < dims.size(); ++i) {
    if (shape[i] < 0) fits = false;
    if (dims[i].computed) continue;  // finish_stage() compares
    if (dims[i].symbol >= 0) {
      int64_t& size = impl_.found_sizes[static_cast<size_t>(dims[i].symbol)];
      if (size < 0) size = shape[i];
      fits = fits && size == shape[i];
    } else {
      const auto expected = dims[i].dim.eval(binding_.symbols());
      fits = fits && expected.ok() && *expected == shape[i];
    }
  }
  if (fits) return ok();
  Shape declared;
  for (const FoundDim& dim : dims) declared.push_back(dim.dim);
  return Status(Code::kShape,
                fmt::format("the result has the shape {}, the plan declares {}",
                            shape_text(std::vector<int64_t>(shape.begin(), shape.end())),
                            shape_text(declared)));
}

// All outputs of the last step are there, with the shapes that the plan declares.
Status ExecutionContext::Impl::finish_stage(const Binding& binding, size_t stage) {
  const StageState& state = stages[stage];
  const Stage& shape = binding.stage();
  for (size_t i = 0; i < state.is_found.size(); ++i) {
    if (!state.is_found[i]) return Status(Code::kInternal, "an output was not given");
    for (size_t d = 0; d < shape.found_dims[i].size(); ++d) {
      const FoundDim& dim = shape.found_dims[i][d];
      if (!dim.computed) continue;
      SymbolValues symbols = binding.symbols();
      for (size_t k = 0; k < shape.found_symbols.size(); ++k) {
        symbols[shape.found_symbols[k]] = found_sizes[shape.first_found + k];
      }
      HONE_ASSIGN_OR_RETURN(const int64_t expected, dim.dim.eval(symbols));
      if (expected == state.found_shapes[i][d]) continue;
      return Status(Code::kShape,
                    fmt::format("dimension {} of output {} is {} instead of {} = {}", d, i,
                                state.found_shapes[i][d], dim.dim.text(), expected));
    }
  }
  return ok();
}

}  // namespace hone

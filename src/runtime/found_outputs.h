// The sink of the step that ends a stage.
#pragma once

#include "runtime/context_impl.h"

namespace hone {

// Where the step that ends a stage puts its outputs. Nothing is taken from it unseen: the shapes
// must be ones that the plan declares, for later steps rely on them.
class ExecutionContext::Impl::Sink final : public OutputSink {
 public:
  Sink(Impl& impl, const Binding& binding, size_t stage, const OutputAllocator& allocate)
      : impl_(impl), binding_(binding), stage_(stage), allocate_(allocate) {}
  Status allocate(size_t output, std::span<const int64_t> shape, void** data) override;

 private:
  // Compares a shape with the declared one and keeps the sizes that it finds out.
  Status take_sizes(const std::vector<FoundDim>& dims, std::span<const int64_t> shape);

  Impl& impl_;
  const Binding& binding_;
  size_t stage_;
  const OutputAllocator& allocate_;
};

}  // namespace hone

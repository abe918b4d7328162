// HoneInitEngine: reads a plan from a SavedModel's assets folder when the model is loaded.
//
//   HoneInitEngine(filename: string)       stateful, no outputs
//     key       the part after "key:" in the plan attribute of the HoneEngineOp nodes that use it
//     threads   see resolve_threads in node.h; the same value as in those nodes
//
// The file name is a scalar that TensorFlow's loader replaces by the asset's absolute path.
#pragma once

#include "tf_c_api.h"

namespace hone::tf_op {

// The callbacks of the kernel; none of them throws.
void* create_init_kernel(TF_OpKernelConstruction* construction) noexcept;
void run_init_kernel(void* kernel, TF_OpKernelContext* context) noexcept;
void delete_init_kernel(void* kernel) noexcept;

}  // namespace hone::tf_op

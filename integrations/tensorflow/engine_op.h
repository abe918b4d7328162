// HoneEngineOp: the node that runs a plan.
//
//   HoneEngineOp(inputs: InT) -> outputs: OutT
//     InT, OutT       list(type)
//     plan            "key:<key>" of a plan that HoneInitEngine loaded, or the bytes of a plan
//     segment         what the node stands for, for people; in every error message
//     output_shapes   list(shape), for tools; the op itself infers unknown shapes
//     threads         see resolve_threads in node.h
//
// Stateless and synchronous: the engine is a pure function of the inputs. (TensorFlow's
// asynchronous C kernels are unusable: their callback dies when the function that starts the work
// returns.)
#pragma once

#include "tf_c_api.h"

namespace hone::tf_op {

// The callbacks of the kernel; none of them throws.
void* create_engine_kernel(TF_OpKernelConstruction* construction) noexcept;
void run_engine_kernel(void* kernel, TF_OpKernelContext* context) noexcept;
void delete_engine_kernel(void* kernel) noexcept;

}  // namespace hone::tf_op

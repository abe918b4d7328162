// What the kernels read from their node and session.
#pragma once

#include <string>
#include <vector>

#include "error.h"
#include "tf_c_api.h"

namespace hone::tf_op {

std::string node_name(TF_OpKernelConstruction* construction);
Error string_attr(TF_OpKernelConstruction* construction, const char* name, std::string* value);
Error int_attr(TF_OpKernelConstruction* construction, const char* name, int64_t* value);
Error type_list_attr(TF_OpKernelConstruction* construction, const char* name,
                     std::vector<TfDataType>* value);

// The thread count an engine is loaded with: the node's `threads` attribute, else HONE_TF_THREADS,
// else intra_op_parallelism_threads of the session, else 0 (all).
int resolve_threads(TF_OpKernelContext* context, int64_t attribute);

}  // namespace hone::tf_op

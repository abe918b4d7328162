// Which checkpoint key each variable of a SavedModel is restored from. Internal to this folder.
#pragma once

#include <map>
#include <string>

#include "importers/tensorflow/op_defs.h"
#include "importers/tensorflow/saved_model.h"

namespace hone::tf {

// Name of the top-level variable node -> checkpoint key. Follows the restore op that the saver
// names, as TensorFlow's own loader runs it: RestoreV2 -> Identity ... -> AssignVariableOp or
// Assign. Variables whose value takes another way are simply missing.
Result<std::map<std::string, std::string, std::less<>>> find_variable_keys(
    const MetaGraph& meta, const FunctionIndex& functions);

}  // namespace hone::tf

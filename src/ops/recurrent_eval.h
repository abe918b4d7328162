// The reference evaluation of LSTM, GRU and RNN (recurrent.h).
#pragma once

#include "ops/op_def.h"

namespace hone {

Status evaluate_recurrent(EvalContext& context);

}  // namespace hone

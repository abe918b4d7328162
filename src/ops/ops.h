// The attribute structs of all operators.
#pragma once

#include "ops/attention.h"      // IWYU pragma: export
#include "ops/conv_chain.h"     // IWYU pragma: export
#include "ops/linear.h"         // IWYU pragma: export
#include "ops/movement.h"       // IWYU pragma: export
#include "ops/normalization.h"  // IWYU pragma: export
#include "ops/op_def.h"         // IWYU pragma: export
#include "ops/pointwise.h"      // IWYU pragma: export
#include "ops/recurrent.h"      // IWYU pragma: export
#include "ops/reduction.h"      // IWYU pragma: export
#include "ops/spatial.h"        // IWYU pragma: export

// The whole C++ API. Start reading at builder.h (Model -> Plan) and engine.h (Plan -> results).
#pragma once

#include "hone/builder.h"     // IWYU pragma: export
#include "hone/engine.h"      // IWYU pragma: export
#include "hone/status.h"      // IWYU pragma: export
#include "hone/tensorflow.h"  // IWYU pragma: export
#include "hone/types.h"       // IWYU pragma: export

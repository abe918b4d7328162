// trtexec's spellings, where they mean the same here.
#pragma once

#include "command.h"

namespace hone::tools {

// "build --onnx=a.onnx --saveEngine=a.plan" -> "build a.onnx -o a.plan". Without a command, as
// trtexec is used, "build" is put in front when a plan is to be saved, else "bench". Other words
// stay as they are.
Words rewrite_trtexec(Words words);

}  // namespace hone::tools

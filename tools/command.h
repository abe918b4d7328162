// The sub-commands of `hone`. To add one: a file with its function, a line here, a line in the
// table of commands.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone::tools {

// What follows the command's name on the command line.
using Words = std::vector<std::string>;

// Returns the exit code, or the error, which the caller prints. Results go to stdout, all else to
// stderr.
using CommandFunction = Result<int> (*)(const Words& words);

struct Command {
  const char* name;  // "build", "tf convert"
  CommandFunction run;
  const char* summary;  // one line of `hone --help`
};

std::span<const Command> all_commands();

// One sub-command per function, each in the file of its name.
Result<int> run_build(const Words& words);
Result<int> run_run(const Words& words);
Result<int> run_bench(const Words& words);
Result<int> run_inspect(const Words& words);
Result<int> run_compare(const Words& words);
Result<int> run_ops(const Words& words);
Result<int> run_doctor(const Words& words);
Result<int> run_cache(const Words& words);
Result<int> run_tf_convert(const Words& words);
Result<int> run_tf_summary(const Words& words);
// Commands of later versions: kUnsupported with what to do instead.
Result<int> run_calibrate(const Words& words);
Result<int> run_tf_rescue(const Words& words);

}  // namespace hone::tools

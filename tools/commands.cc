// hn_main(): finds the command in the table, runs it, turns its error into a message and an exit
// code.
#include <cerrno>
#include <new>

#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "hone/c.h"
#include "interrupt.h"
#include "trtexec.h"

namespace hone::tools {
namespace {

constexpr Command kCommands[] = {
    {"build", run_build, "optimize a model for this machine and write a plan"},
    {"run", run_run, "run a plan or model once, with .npy files or random inputs"},
    {"bench", run_bench, "measure latency and throughput; profile the steps"},
    {"inspect", run_inspect, "show layers, tactics, memory and fusions"},
    {"compare", run_compare, "compare a model's plan with the reference evaluation"},
    {"calibrate", run_calibrate, "(not in this version) ranges for INT8"},
    {"tf convert", run_tf_convert, "convert a SavedModel: Hone engines inside TensorFlow"},
    {"tf summary", run_tf_summary,
     "show what of a SavedModel would be converted, and why not the rest"},
    {"tf rescue", run_tf_rescue, "(not in this version) convert SavedModels made by TF-TRT"},
    {"ops", run_ops, "list operators and what can be imported"},
    {"doctor", run_doctor, "show CPU, tactics, libraries and TensorFlow plug-in, with advice"},
    {"cache", run_cache, "list, verify or clear a timing cache"},
};

std::string overview() {
  std::string text =
      "hone: optimizes trained networks for the machine they run on, and runs them\n\n"
      "usage: hone COMMAND [ARGUMENT...]        hone COMMAND --help for one command\n\ncommands:\n";
  for (const Command& command : kCommands) {
    text += "  ";
    text += command.name;
    text += std::string(13 - std::string_view(command.name).size(), ' ');
    text += command.summary;
    text += '\n';
  }
  return text +
         "\nexamples:\n"
         "  hone build model.onnx -o model.plan\n"
         "  hone bench model.plan --duration 5s\n"
         "  hone tf convert saved_model_dir converted_dir\n\n"
         "exit codes: 0 good, 1 comparison or run failed, 2 wrong use, 3 bad input file, 4 not "
         "supported,\n"
         "5 out of resources, 130 interrupted. HONE_LOG=info shows more.\n";
}

// The command that `words` begin with; removes its name. Null if there is none.
const Command* find_command(Words* words) {
  for (const Command& command : kCommands) {
    const std::string_view name = command.name;
    const size_t blank = name.find(' ');
    if (words->empty() || (*words)[0] != name.substr(0, blank)) continue;
    if (blank == std::string_view::npos) {
      words->erase(words->begin());
      return &command;
    }
    if (words->size() < 2 || (*words)[1] != name.substr(blank + 1)) continue;
    words->erase(words->begin(), words->begin() + 2);
    return &command;
  }
  return nullptr;
}

std::string names() {
  std::string text;
  for (const Command& command : kCommands)
    text += (text.empty() ? "" : ", ") + std::string(command.name);
  return text;
}

Result<int> run_words(Words words) {
  words = rewrite_trtexec(std::move(words));
  if (words.empty()) {
    print_error(overview());
    return kExitUsage;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    if (words.size() == 1) {
      print_result(overview());
      return kExitGood;
    }
    words.erase(words.begin());  // hone help build
    words.push_back("--help");
  }
  if (words[0] == "--version") {
    print_result(std::string("hone ") + hn_version() + "\n");
    return kExitGood;
  }
  const std::string first = words[0];
  if (const Command* command = find_command(&words)) return command->run(words);
  return Status(Code::kInvalidArgument, "there is no command '" + first + "'")
      .fix("use one of: " + names());
}

Result<int> run_guarded(Words words) {
  try {
    return run_words(std::move(words));
  } catch (const Error& error) {
    return error.status();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfResources, "out of memory").fix("use a smaller model or batch");
  } catch (const std::exception& error) {
    return Status(Code::kInternal, error.what());
  }
}

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

Result<int> run_calibrate(const Words&) {
  return Status(Code::kUnsupported, "'hone calibrate' is not in this version")
      .because("this version builds FP32 plans only, which need no ranges");
}

Result<int> run_tf_rescue(const Words&) {
  return Status(Code::kUnsupported, "'hone tf rescue' is not in this version")
      .fix("convert the SavedModel that the old one was made from: hone tf convert");
}

}  // namespace hone::tools

extern "C" int hn_main(int argc, char** argv) {
  using namespace hone::tools;  // NOLINT(google-build-using-namespace): a C function has no
                                // namespace
  const InterruptHandler interrupts;
  Words words;
  for (int i = 1; i < argc; ++i) words.emplace_back(argv[i]);
  const hone::Result<int> result = run_guarded(std::move(words));
  int code = kExitGood;
  if (result.ok()) {
    code = *result;
  } else {
    print_error("hone: " + result.status().message() + "\n");
    code = exit_code(result.status().code());
  }
  const int error = flush_results();
  if (error != 0 && code == kExitGood) {
    if (error == EPIPE) return kExitPipe;  // `hone ... | head`: no failure to speak of
    print_error("hone: the results could not be written to stdout\n");
    code = kExitFailed;
  }
  return code;
}

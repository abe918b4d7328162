// Declares what a command takes, then parses it. A front of CLI11, which only arguments.cc
// includes: it costs seconds of compile time per file.
//
//   Arguments arguments("run", "...", "  hone run model.plan\n");
//   arguments.positional("FILE", &file, "plan or model");
//   arguments.option("-o,--output", "FILE", &output, "where the plan goes");
//   HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
//   if (!go_on) return kExitGood;  // help was printed
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "hone/status.h"

namespace hone::tools {

class Arguments {
 public:
  // `examples`: lines of real commands for the end of the help.
  Arguments(const std::string& command, const std::string& description,
            const std::string& examples);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // The targets keep their values, the defaults, when an option is not given.
  void positional(const std::string& name, std::string* target, const std::string& help,
                  bool required = true);
  void option(const std::string& names, const std::string& type, std::string* target,
              const std::string& help, bool required = false);
  void option(const std::string& names, const std::string& type, int* target,
              const std::string& help);
  void option(const std::string& names, const std::string& type, double* target,
              const std::string& help);
  // May be given several times, one value each.
  void option(const std::string& names, const std::string& type, std::vector<std::string>* target,
              const std::string& help);
  void flag(const std::string& names, bool* target, const std::string& help);
  // Options of later versions: giving one is kUnsupported.
  void later(const std::vector<std::string>& names, const std::string& cause);

  // False: help was asked for and printed. Errors: kInvalidArgument, kUnsupported.
  Result<bool> parse(const Words& words);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone::tools

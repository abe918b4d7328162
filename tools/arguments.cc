#include "arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "console.h"

namespace hone::tools {

struct Arguments::Impl {
  Impl(const std::string& command, const std::string& description)
      : command(command), app(description, "hone " + command) {}
  struct Later {
    std::vector<std::string> names;
    std::string cause;
  };
  std::string command;
  CLI::App app;
  std::vector<Later> later;
};

Arguments::Arguments(const std::string& command, const std::string& description,
                     const std::string& examples)
    : impl_(std::make_unique<Impl>(command, description)) {
  impl_->app.footer("\nexamples:\n" + examples);
  impl_->app.get_formatter()->column_width(34);
}
Arguments::~Arguments() = default;

void Arguments::positional(const std::string& name, std::string* target, const std::string& help,
                           bool required) {
  impl_->app.add_option(name, *target, help)->required(required)->option_text(required ? "" : "[]");
}

void Arguments::option(const std::string& names, const std::string& type, std::string* target,
                       const std::string& help, bool required) {
  impl_->app.add_option(names, *target, help)->required(required)->option_text(type);
}

void Arguments::option(const std::string& names, const std::string& type, int* target,
                       const std::string& help) {
  impl_->app.add_option(names, *target, help)->option_text(type);
}

void Arguments::option(const std::string& names, const std::string& type, double* target,
                       const std::string& help) {
  impl_->app.add_option(names, *target, help)->option_text(type);
}

void Arguments::option(const std::string& names, const std::string& type,
                       std::vector<std::string>* target, const std::string& help) {
  // One value each time: else "--input a=b.npy model.plan" would swallow the model.
  impl_->app.add_option(names, *target, help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text(type + " ...");
}

void Arguments::flag(const std::string& names, bool* target, const std::string& help) {
  impl_->app.add_flag(names, *target, help);
}

void Arguments::later(const std::vector<std::string>& names, const std::string& cause) {
  impl_->later.push_back({names, cause});
}

Result<bool> Arguments::parse(const Words& words) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    for (const Impl::Later& later : impl_->later) {
      if (std::find(later.names.begin(), later.names.end(), name) == later.names.end()) continue;
      return Status(Code::kUnsupported, "'" + name + "' is not in this version")
          .because(later.cause);
    }
  }
  try {
    impl_->app.parse(Words(words.rbegin(), words.rend()));  // CLI11 wants them last first
  } catch (const CLI::CallForHelp&) {
    print_result(impl_->app.help());
    return false;
  } catch (const CLI::ParseError& error) {
    return Status(Code::kInvalidArgument, error.what())
        .at("hone " + impl_->command)
        .fix("see hone " + impl_->command + " --help");
  }
  return true;
}

}  // namespace hone::tools

// A program outside of Hone's tree: prints the version and the error for a plan that does not
// exist.
#include <hone/c.h>
#include <hone/engine.h>

#include <cstdio>

int main() {
  const auto engine = hone::Engine::load("nothing.plan", {.threads = 1});
  if (engine.ok() || engine.status().code() != hone::Code::kIo) return 1;
  std::printf("hone %s: %s\n", hn_version(), engine.status().message().c_str());
  return 0;
}

#include "trtexec.h"

#include <algorithm>

#include "base/text.h"

namespace hone::tools {
namespace {

// "--from=VALUE" becomes `to` and prefix + VALUE + suffix; empty words are left out.
struct Spelling {
  const char* from;
  const char* to;
  const char* prefix = "";
  const char* suffix = "";
};

constexpr Spelling kWithValue[] = {
    {"--onnx", ""},
    {"--loadEngine", ""},
    {"--saveEngine", "-o"},
    {"--minShapes", "--min-shapes"},
    {"--optShapes", "--opt-shapes"},
    {"--maxShapes", "--max-shapes"},
    {"--timingCacheFile", "--timing-cache"},
    {"--calib", "--calib-cache"},
    {"--workspace", "--memory", "", "MiB"},
    {"--warmUp", "--warm-up", "", "ms"},
    {"--infStreams", "--streams"},
    {"--exportTimes", "--json"},
    {"--plugins", "--plugin"},
};

constexpr Spelling kWithoutValue[] = {
    {"--fp16", "--precision", "fp16"},
    {"--bf16", "--precision", "bf16"},
    {"--int8", "--precision", "int8"},
    {"--best", "--precision", "best"},
    {"--noTF32", "--strict-fp32"},
    {"--dumpProfile", "--profile"},
    {"--buildOnly", ""},
    {"--skipInference", ""},
    {"--explicitBatch", ""},
};

void put(Words* words, std::string word) {
  if (!word.empty()) words->push_back(std::move(word));
}

// --memPoolSize=workspace:512,dlaSRAM:1: the workspace in MiB unless it has a unit.
void put_memory_pools(std::string_view pools, Words* words) {
  constexpr std::string_view kName = "workspace:";
  for (std::string_view pool : split(pools, ',')) {
    if (pool.substr(0, kName.size()) != kName) continue;
    const std::string size(pool.substr(kName.size()));
    put(words, "--memory");
    put(words, parse_double(size) ? size + "MiB" : size);
  }
}

// --loadInputs='a':a.npy,b:b.npy -> --input a=a.npy --input b=b.npy
void put_inputs(std::string_view inputs, Words* words) {
  for (std::string_view part : split(inputs, ',')) {
    const size_t colon = part.rfind(':');
    std::string name(part.substr(0, colon));
    name.erase(std::remove(name.begin(), name.end(), '\''), name.end());
    put(words, "--input");
    put(words,
        colon == std::string_view::npos ? name : name + "=" + std::string(part.substr(colon + 1)));
  }
}

bool rewrite_word(const std::string& word, Words* out) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  if (equals == std::string::npos) {
    for (const Spelling& spelling : kWithoutValue) {
      if (name != spelling.from) continue;
      put(out, spelling.to);
      put(out, spelling.prefix);
      return true;
    }
    return false;
  }
  const std::string value = word.substr(equals + 1);
  if (name == "--memPoolSize") return put_memory_pools(value, out), true;
  if (name == "--loadInputs") return put_inputs(value, out), true;
  for (const Spelling& spelling : kWithValue) {
    if (name != spelling.from) continue;
    put(out, spelling.to);
    put(out, spelling.prefix + value + spelling.suffix);
    return true;
  }
  return false;
}

bool has_option(const Words& words, std::string_view name) {
  return std::any_of(words.begin(), words.end(), [name](const std::string& word) {
    return std::string_view(word).substr(0, name.size() + 1) == std::string(name) + "=";
  });
}

}  // namespace

Words rewrite_trtexec(Words words) {
  Words out;
  const bool model_named = has_option(words, "--onnx") || has_option(words, "--loadEngine");
  if (!words.empty() && words[0][0] == '-' && model_named) {
    out.push_back(has_option(words, "--saveEngine") ? "build" : "bench");
  }
  for (std::string& word : words) {
    if (!rewrite_word(word, &out)) out.push_back(std::move(word));
  }
  return out;
}

}  // namespace hone::tools

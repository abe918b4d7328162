// JSON results. Costs seconds of compile time per file that includes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace hone::tools {

using Json = nlohmann::ordered_json;

// Indented, with a line end. Names from foreign files may be bad UTF-8: replaced, never thrown at.
inline std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hone::tools

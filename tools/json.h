// JSON results. Costs seconds of compile time per file that includes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hone/types.h"

namespace hone::tools {

using Json = nlohmann::ordered_json;

// Indented, with a line end. Names from foreign files may be bad UTF-8: replaced, never thrown at.
inline std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Inputs or outputs as [{"name", "dtype", "shape"}], the shape with its symbols.
inline Json ports_json(const std::vector<TensorInfo>& infos) {
  Json json = Json::array();
  for (const TensorInfo& info : infos) {
    json.push_back(
        {{"name", info.name}, {"dtype", dtype_name(info.dtype)}, {"shape", info.shape_text}});
  }
  return json;
}

}  // namespace hone::tools

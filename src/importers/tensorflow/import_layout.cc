#include "importers/tensorflow/import_layout.h"

#include <fmt/core.h>

namespace hone::tf {

std::vector<int64_t> DataLayout::to_last() const {
  std::vector<int64_t> perm = {0};
  for (size_t i = 2; i < rank; ++i) perm.push_back(static_cast<int64_t>(i));
  perm.push_back(1);
  return perm;
}

std::vector<int64_t> DataLayout::to_first() const {
  std::vector<int64_t> perm = {0, static_cast<int64_t>(rank) - 1};
  for (size_t i = 1; i + 1 < rank; ++i) perm.push_back(static_cast<int64_t>(i));
  return perm;
}

Result<std::vector<int64_t>> DataLayout::spatial(const std::vector<int64_t>& list,
                                                 const char* what) const {
  if (list.empty()) return std::vector<int64_t>();
  if (list.size() != rank) {
    return Status(Code::kModel,
                  fmt::format("{} has {} entries for data of rank {}", what, list.size(), rank));
  }
  if (list[0] != 1 || list[channel()] != 1) {
    return NodeImporter::unsupported(
        fmt::format("{} of the batch or channel dimension is not 1", what));
  }
  std::vector<int64_t> spatial;
  for (size_t i = 1; i < rank; ++i) {
    if (i != channel()) spatial.push_back(list[i]);
  }
  return spatial;
}

Result<DataLayout> data_layout(NodeImporter& n, size_t rank) {
  const char* const fallback = rank == 5 ? "NDHWC" : "NHWC";  // what files leave out
  HONE_ASSIGN_OR_RETURN(const std::string format, n.attr_string("data_format", fallback));
  const bool first = format == "NCHW" || format == "NCDHW";
  if (!first && format != "NHWC" && format != "NDHWC") {
    return NodeImporter::unsupported(fmt::format("data_format {}", printable(format)));
  }
  if (format.size() != rank) {
    return Status(Code::kModel, fmt::format("data_format {} for data of rank {}", format, rank));
  }
  return DataLayout{first, rank};
}

Result<Value*> to_last(NodeImporter& n, const DataLayout& layout, Value* data) {
  if (!layout.channels_first) return data;
  return n.transpose(data, layout.to_last());
}

Status output_from_last(NodeImporter& n, const DataLayout& layout, Value* value) {
  if (layout.channels_first) {
    HONE_ASSIGN_OR_RETURN(value, n.transpose(value, layout.to_first()));
  }
  n.output(value);
  return ok();
}

Result<Padding> read_padding(NodeImporter& n, const DataLayout& layout) {
  HONE_ASSIGN_OR_RETURN(const std::string padding, n.attr_string("padding", ""));
  if (padding == "SAME") return Padding{"same_upper", {}};
  if (padding == "VALID") return Padding{"valid", {}};
  if (padding != "EXPLICIT") {
    return Status(Code::kModel, fmt::format("padding '{}'", printable(padding)));
  }
  HONE_ASSIGN_OR_RETURN(const std::vector<int64_t> list, n.attr_ints("explicit_paddings"));
  if (list.size() != 2 * layout.rank) {
    return Status(Code::kModel, fmt::format("explicit_paddings has {} entries for rank {}",
                                            list.size(), layout.rank));
  }
  Padding result{"explicit", {}};
  std::vector<int64_t> ends;
  for (size_t i = 0; i < layout.rank; ++i) {
    if (i == 0 || i == layout.channel()) {
      if (list[2 * i] == 0 && list[2 * i + 1] == 0) continue;
      return Status(Code::kModel, "explicit_paddings of the batch or channel dimension is not 0");
    }
    result.pads.push_back(list[2 * i]);
    ends.push_back(list[2 * i + 1]);
  }
  result.pads.insert(result.pads.end(), ends.begin(), ends.end());
  return result;
}

}  // namespace hone::tf

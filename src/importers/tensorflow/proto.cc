#include "importers/tensorflow/proto.h"

#include <fmt/format.h>

#include <algorithm>

#include "importers/tensorflow/proto_budget.h"

namespace hone::tf {

Decoder::Decoder(std::string_view bytes, std::shared_ptr<const void> owner, std::string name)
    : bytes_(bytes),
      owner_(std::move(owner)),
      expansion_(std::make_shared<ExpansionBudget>(bytes.size())),
      name_(std::move(name)),
      at_(bytes.data()),
      budget_(kMinBudget + kBudgetPerByte * static_cast<int64_t>(bytes.size())) {}

std::string_view Decoder::view(protozero::pbf_reader& in) {
  const protozero::data_view view = in.get_view();
  at_ = view.data();
  return {view.data(), view.size()};
}

std::string Decoder::text(protozero::pbf_reader& in) {
  const std::string_view found = view(in);
  charge(sizeof(std::string) + found.size());
  return std::string(found);
}

std::string Decoder::where() const {
  const auto offset = at_ == nullptr ? 0 : at_ - bytes_.data();
  return fmt::format("{}: {}{}near byte {}", name_, place_, place_.empty() ? "" : ", ", offset);
}

void Decoder::over_budget() const {
  throw DecodeError(
      Status(Code::kOutOfResources, "the decoded file would be far larger than it is")
          .because(fmt::format("it has {} bytes and decodes to more than {} bytes", bytes_.size(),
                               kMinBudget + kBudgetPerByte * bytes_.size()))
          .fix("the file looks damaged or hostile; export the model again"));
}

Decoder::Nest::Nest(Decoder& decoder) : decoder_(decoder) {
  if (decoder_.depth_ >= kMaxNesting) {
    throw DecodeError(Status(
        Code::kModel, fmt::format("messages are nested more than {} levels deep", kMaxNesting)));
  }
  ++decoder_.depth_;
}

Status decode_failure(const Decoder& decoder, Status status) {
  if (status.fix_hint().empty()) {
    return std::move(status)
        .at(decoder.where())
        .fix("the file is damaged or not what it claims to be; export the model again");
  }
  return std::move(status).at(decoder.where());
}

Status decode_failure(const Decoder& decoder, const char* cause) {
  return decode_failure(decoder,
                        Status(Code::kModel, "not a valid protobuf message").because(cause));
}

bool read_varint(std::string_view& bytes, uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 10); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

}  // namespace hone::tf

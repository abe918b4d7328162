// Reading protobuf wire format from foreign bytes, on top of protozero.
//
// protozero throws; everything here that takes a Decoder may throw too (DecodeError or
// protozero::exception). `guarded` is the one boundary that turns this into a Status: a function of
// the public headers of this folder calls it once, and nothing escapes.
//
// Bounds: nesting is limited to kMaxNesting, and each decoded object is charged against a budget of
// kMinBudget + kBudgetPerByte x file size, so that a small file cannot take much memory.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "hone/status.h"

namespace hone::tf {

inline constexpr int kMaxNesting = 64;
inline constexpr int64_t kMinBudget = int64_t{64} << 20;
inline constexpr int64_t kBudgetPerByte = 16;

// Keys for `switch (message.tag_and_type())`: a field with an unexpected wire type is then unknown
// and skipped, as protobuf does.
constexpr uint32_t varint_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
constexpr uint32_t bytes_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::length_delimited);
}
constexpr uint32_t fixed32_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t fixed64_field(uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}

// A problem that the wire format itself does not have: limits, missing names. Never leaves
// `guarded`.
class DecodeError : public std::exception {
 public:
  explicit DecodeError(Status status) : status_(std::move(status)) {}
  const char* what() const noexcept override { return status_.what().c_str(); }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

// What can be expanded from one file beyond its own bytes (constants that repeat one value, string
// tensors). Shared by all tensors of the file; thread-safe.
class ExpansionBudget;

// The state of decoding one file or message. One thread.
class Decoder {
 public:
  // `bytes` must stay valid as long as `owner` lives (or, with a null owner, as long as the decoded
  // objects). `name`: for messages, usually the path.
  Decoder(std::string_view bytes, std::shared_ptr<const void> owner, std::string name);

  std::string_view bytes() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  const std::shared_ptr<ExpansionBudget>& expansion() const { return expansion_; }
  const std::string& name() const { return name_; }
  protozero::pbf_reader reader() { return message({bytes_.data(), bytes_.size()}); }

  // Accounts for `bytes` of decoded objects.
  void charge(size_t bytes) {
    if ((budget_ -= static_cast<int64_t>(bytes)) < 0) over_budget();
  }
  // The current length-delimited field as text, bytes or sub-message; remembers where it is.
  std::string text(protozero::pbf_reader& in);
  std::string_view view(protozero::pbf_reader& in);
  protozero::pbf_reader message(protozero::data_view view) {
    at_ = view.data();
    return protozero::pbf_reader(view);
  }
  protozero::pbf_reader message(protozero::pbf_reader& in) { return message(in.get_view()); }

  // What is being decoded, for messages: "node 'conv1'".
  void set_place(std::string place) { place_ = std::move(place); }
  // name: place (near byte N)
  std::string where() const;

  // Scope guard for recursive messages.
  class Nest {
   public:
    explicit Nest(Decoder& decoder);
    ~Nest() { --decoder_.depth_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    Decoder& decoder_;
  };

 private:
  [[noreturn]] void over_budget() const;

  std::string_view bytes_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<ExpansionBudget> expansion_;
  std::string name_, place_;
  const char* at_ = nullptr;
  int64_t budget_;
  int depth_ = 0;
};

// Adds the place and the usual advice to an error of decoding.
Status decode_failure(const Decoder& decoder, Status status);
Status decode_failure(const Decoder& decoder, const char* cause);

// Runs `function` and turns what it throws into a Status with file, place and cause.
template <class F>
auto guarded(Decoder& decoder, F&& function) -> Result<decltype(function())> {
  try {
    return function();
  } catch (const DecodeError& error) {
    return decode_failure(decoder, error.status());
  } catch (const protozero::exception& error) {
    return decode_failure(decoder, error.what());
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfResources, "not enough memory to decode it").at(decoder.name());
  }
}

// Reads one varint from the front of `bytes`; false when there is none.
bool read_varint(std::string_view& bytes, uint64_t* value);

}  // namespace hone::tf

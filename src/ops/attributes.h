// Operator attributes: one plain struct per operator, with a defaulted == and one `fields()`
// function. Everything else (text form, plan form, hash, documentation) is derived from the field
// list.
//
//   struct ConvAttributes {
//     std::vector<int64_t> strides = {1, 1};
//     int64_t groups = 1;
//     bool operator==(const ConvAttributes&) const = default;
//     template <class V> void fields(V&& visit) { visit("strides", strides); visit("groups",
//     groups); }
//   };
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <variant>
#include <vector>

#include "base/check.h"
#include "hone/status.h"
#include "hone/types.h"
#include "ops/program.h"

namespace hone {

// A pointer to one field of an attribute struct.
using FieldValue = std::variant<int64_t*, double*, bool*, std::string*, std::vector<int64_t>*,
                                std::vector<double>*, DataType*, Program*>;
struct Field {
  const char* name;
  FieldValue value;
};

// Holds the attribute struct of any operator, or nothing. Value type: copies are deep.
class Attributes {
 public:
  Attributes() = default;
  template <class T, class = std::enable_if_t<!std::is_same_v<std::decay_t<T>, Attributes>>>
  Attributes(T attributes)  // NOLINT(google-explicit-constructor)
      : box_(std::make_unique<Box<T>>(std::move(attributes))) {}
  Attributes(const Attributes& other) : box_(other.box_ ? other.box_->clone() : nullptr) {}
  Attributes& operator=(const Attributes& other) {
    if (this != &other) box_ = other.box_ ? other.box_->clone() : nullptr;
    return *this;
  }
  Attributes(Attributes&&) noexcept = default;
  Attributes& operator=(Attributes&&) noexcept = default;

  // REQUIRES: holds a T.
  template <class T>
  const T& get() const {
    HONE_CHECK(box_ && box_->type() == typeid(T));
    return static_cast<const Box<T>&>(*box_).value;
  }
  template <class T>
  T& get() {
    HONE_CHECK(box_ && box_->type() == typeid(T));
    return static_cast<Box<T>&>(*box_).value;
  }
  template <class T>
  bool is() const {
    return box_ && box_->type() == typeid(T);
  }

  bool empty() const { return !box_; }
  // Whether both hold the struct of the same operator, or nothing.
  bool same_type(const Attributes& other) const {
    if (!box_ || !other.box_) return !box_ == !other.box_;
    return box_->type() == other.box_->type();
  }
  // Pointers into this object, in declaration order.
  std::vector<Field> fields() { return box_ ? box_->fields() : std::vector<Field>(); }
  bool operator==(const Attributes& other) const {
    if (!box_ || !other.box_) return !box_ == !other.box_;
    return box_->type() == other.box_->type() && box_->equals(*other.box_);
  }

 private:
  struct BoxBase {
    virtual ~BoxBase() = default;
    virtual std::unique_ptr<BoxBase> clone() const = 0;
    virtual std::vector<Field> fields() = 0;
    virtual bool equals(const BoxBase& other) const = 0;
    virtual const std::type_info& type() const = 0;
  };
  template <class T>
  struct Box final : BoxBase {
    explicit Box(T value) : value(std::move(value)) {}
    std::unique_ptr<BoxBase> clone() const override { return std::make_unique<Box>(value); }
    std::vector<Field> fields() override {
      std::vector<Field> list;
      value.fields([&list](const char* name, auto& field) { list.push_back({name, &field}); });
      return list;
    }
    bool equals(const BoxBase& other) const override {
      return value == static_cast<const Box&>(other).value;
    }
    const std::type_info& type() const override { return typeid(T); }
    T value;
  };
  std::unique_ptr<BoxBase> box_;
};

// "{strides=[2,2], groups=1, mode=\"same\"}"; only fields that differ from `defaults` when given.
std::string attributes_text(const Attributes& attributes, const Attributes* defaults = nullptr);
// Parses that form over `defaults`. Errors: kModel (unknown field, wrong type, bad syntax).
Result<Attributes> parse_attributes(std::string_view text, const Attributes& defaults);

}  // namespace hone

#include "base/check.h"
#include "hone/types.h"

namespace hone {
namespace {

struct DtypeRow {
  DataType dtype;
  const char* name;
  size_t size;
};

// In the order of the enumerators, which start at 1.
constexpr DtypeRow kDtypes[] = {
    {DataType::f32, "f32", 4},      {DataType::f64, "f64", 8},       {DataType::f16, "f16", 2},
    {DataType::bf16, "bf16", 2},    {DataType::i8, "i8", 1},         {DataType::i16, "i16", 2},
    {DataType::i32, "i32", 4},      {DataType::i64, "i64", 8},       {DataType::u8, "u8", 1},
    {DataType::u16, "u16", 2},      {DataType::u32, "u32", 4},       {DataType::u64, "u64", 8},
    {DataType::boolean, "bool", 1}, {DataType::string, "string", 0},
};

constexpr bool table_in_order() {
  for (size_t i = 0; i < std::size(kDtypes); ++i) {
    if (static_cast<size_t>(kDtypes[i].dtype) != i + 1) return false;
  }
  return true;
}
static_assert(table_in_order());

// Null for a value that is no enumerator (a damaged file cast to DataType).
const DtypeRow* row(DataType dtype) {
  const size_t index = static_cast<size_t>(dtype) - 1;
  return index < std::size(kDtypes) ? &kDtypes[index] : nullptr;
}

}  // namespace

const char* dtype_name(DataType dtype) {
  const DtypeRow* r = row(dtype);
  return r ? r->name : "invalid";
}

bool parse_dtype(std::string_view name, DataType* dtype) {
  for (const DtypeRow& r : kDtypes) {
    if (name == r.name) {
      *dtype = r.dtype;
      return true;
    }
  }
  return false;
}

size_t dtype_size(DataType dtype) {
  const DtypeRow* r = row(dtype);
  return r ? r->size : 0;
}

}  // namespace hone

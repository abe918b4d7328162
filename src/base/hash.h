// Fast non-cryptographic hashes (XXH3). Values are stable across machines and versions: they name
// constants in side files and keys in caches. Not a defence against someone who forges collisions.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hone {

struct Hash128 {
  uint64_t high = 0, low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
  std::string hex() const;  // 32 lower-case digits
};

uint64_t hash64(const void* data, size_t bytes, uint64_t seed = 0);
inline uint64_t hash64(std::string_view text) { return hash64(text.data(), text.size()); }
Hash128 hash128(const void* data, size_t bytes);
inline Hash128 hash128(std::string_view text) { return hash128(text.data(), text.size()); }

// Mixes `value` into `seed` (order matters); for hash tables only.
constexpr uint64_t hash_combine(uint64_t seed, uint64_t value) {
  uint64_t x = (seed ^ (value + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2)));
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

// XXH3-128 of the concatenation of all pieces given.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void update(const void* data, size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // The bytes of one number; sizes that precede variable-length parts keep pieces apart.
  void update_u64(uint64_t value) { update(&value, sizeof value); }
  Hash128 digest() const;
  uint64_t digest64() const;  // hash64() of the same bytes

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone

template <>
struct std::hash<hone::Hash128> {
  size_t operator()(const hone::Hash128& h) const noexcept { return h.low ^ (h.high << 1); }
};

// HONE_CHECK: for our own bugs only. Foreign data must never be able to reach a failing check;
// it gets a Status instead.
#pragma once

namespace hone {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace hone

#define HONE_CHECK(condition)                   \
  (__builtin_expect(!!(condition), 1) ? (void)0 \
                                      : ::hone::check_failed(__FILE__, __LINE__, #condition))

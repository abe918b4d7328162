// Measured times of (step, tactic, configuration) on one kind of machine: what makes a second build
// quick and gives the same plan.
//
// File: JSON, {"format": "hone-timing", "version": 1, "entries": {KEY: milliseconds, ...}}, where
// KEY is "cpu signature|threads|step|tactic@version|config". Saving merges with what another
// builder may have written in the meantime, under a lock, and replaces the file by rename.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "hone/status.h"

namespace hone {

// Thread-safe.
class TimingCache {
 public:
  // `path` empty: in memory only. A missing file is an empty cache. Errors: kIo, kModel (not a
  // cache).
  Status open(const std::string& path);
  std::optional<double> find(const std::string& key) const;
  void put(const std::string& key, double milliseconds);
  // Does nothing when in memory only or nothing was added.
  Status save();
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::string path_;
  std::map<std::string, double> entries_, added_;
};

}  // namespace hone

// Results that took long, kept in a folder from run to run by what they depend on.
// docs/result_cache.md describes the files.
#ifndef QCONVERT_BASE_RESULT_CACHE_H_
#define QCONVERT_BASE_RESULT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "qconvert/base/sha256.h"

namespace qconvert {

// SHA-256 of everything that a result depends on, and of this program.
class CacheKey {
 public:
  CacheKey();
  // Parts count with their lengths: "ab", "c" is another key than "a", "bc".
  void Add(std::string_view part);
  void Add(int64_t number);
  // Once.
  std::string HexDigest() { return hash_.HexDigest(); }

 private:
  Sha256 hash_;
};

// One file per result, complete or not at all: a run that was killed leaves what it had finished.
// Several processes may share a folder. Not for several threads.
class ResultCache {
 public:
  explicit ResultCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the folder where it is missing. Throws Error(kFile) where nothing can be written there.
  void Open() const;

  // What was kept under this key as this kind of result ("measurement"); nothing where there is
  // none, or the file holds something else, which the log tells.
  std::optional<std::string> Read(const std::string& kind, const std::string& key);
  // Where the folder takes no more, the log tells it once.
  void Write(const std::string& kind, const std::string& key, std::string_view text);

  // Into the log, how many results of each kind came from the folder and how many are new there,
  // since this was told last.
  void TellUse();

 private:
  struct Use {
    size_t taken = 0;
    size_t made = 0;
  };

  std::filesystem::path FileOf(const std::string& key) const { return folder_ / (key + ".txt"); }

  const std::filesystem::path folder_;
  std::map<std::string, Use> use_;  // by kind
  bool is_full_ = false;            // it takes no more
};

}  // namespace qconvert

#endif  // QCONVERT_BASE_RESULT_CACHE_H_

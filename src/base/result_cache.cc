#include "qconvert/base/result_cache.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/log.h"
#include "qconvert/base/signals.h"

namespace qconvert {
namespace {

constexpr const char* kForm = "qconvert result 1";

// A version stays the same while the program is worked on: its bytes do not.
const std::string& ProgramHash() {
  static const std::string hash = [] {
    Sha256 sum;
    sum.UpdateFile(InputFile("/proc/self/exe"));
    return sum.HexDigest();
  }();
  return hash;
}

// With kind, key and the hash of the text a file that was renamed, cut or changed shows.
std::string FirstLine(const std::string& kind, const std::string& key, std::string_view text) {
  return fmt::format("{} {} {} {}\n", kForm, kind, key, Sha256Hex(text));
}

}  // namespace

CacheKey::CacheKey() { Add(ProgramHash()); }

void CacheKey::Add(std::string_view part) {
  hash_.Update(fmt::format("{}:", part.size()));
  hash_.Update(part);
}

void CacheKey::Add(int64_t number) { Add(fmt::format("{}", number)); }

void ResultCache::Open() const {
  MakeFolder(folder_);
  CheckWritable(FileOf("any"));
}

std::optional<std::string> ResultCache::Read(const std::string& kind, const std::string& key) {
  const std::filesystem::path file = FileOf(key);
  std::error_code ignored;
  // Most keys are new: a file that is not there is no damage, and no warning.
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  try {
    const std::string whole = ReadFile(file);
    const size_t end = whole.find('\n');
    const size_t begin = end == std::string::npos ? whole.size() : end + 1;
    std::string text = whole.substr(begin);
    if (whole.substr(0, begin) == FirstLine(kind, key, text)) {
      ++use_[kind].taken;
      return text;
    }
  } catch (const Error&) {
    // As one that holds something else.
  }
  LogWarning(fmt::format("{}: is not what was kept there, it is made anew",
                         EscapeForTerminal(file.string())));
  return std::nullopt;
}

void ResultCache::Write(const std::string& kind, const std::string& key, std::string_view text) {
  ++use_[kind].made;
  if (is_full_) return;
  try {
    WriteFile(FileOf(key), FirstLine(kind, key, text).append(text));
    ReleaseSignals();  // nothing that a conversion has to end with
  } catch (const Error& e) {
    is_full_ = true;
    LogWarning(fmt::format("{}; results are no longer kept", e.what()));
  }
}

void ResultCache::TellUse() {
  std::vector<std::string> parts;
  for (const auto& [kind, use] : std::exchange(use_, {}))
    parts.push_back(fmt::format("{} of {} {}s", use.taken, use.taken + use.made, kind));
  if (!parts.empty())
    LogInfo(
        fmt::format("{}: took {}", EscapeForTerminal(folder_.string()), fmt::join(parts, ", ")));
}

}  // namespace qconvert

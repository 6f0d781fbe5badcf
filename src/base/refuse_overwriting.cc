#include "qconvert/base/refuse_overwriting.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

// Device and inode of a file, or of the folder that will hold it with the name it will have.
using Identity = std::tuple<dev_t, ino_t, std::string>;

std::optional<Identity> IdentityOf(const std::filesystem::path& path) {
  struct stat status {};
  if (path.empty()) return std::nullopt;
  if (stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return Identity{status.st_dev, status.st_ino, ""};
  }
  // Not there yet: it will be where links lead.
  const std::filesystem::path file = FollowLinks(path);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (stat(folder.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, file.filename().string()};
}

}  // namespace

std::optional<std::pair<size_t, size_t>> FindSharedOutput(
    const std::vector<std::filesystem::path>& outputs) {
  std::map<Identity, size_t> written;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const std::optional<Identity> identity = IdentityOf(outputs[k]);
    if (!identity) continue;
    const auto [first, is_new] = written.emplace(*identity, k);
    if (!is_new) return std::pair(first->second, k);
  }
  return std::nullopt;
}

void RefuseOverwriting(const std::vector<std::filesystem::path>& outputs,
                       const std::vector<std::filesystem::path>& inputs) {
  if (const auto shared = FindSharedOutput(outputs))
    throw Error(ExitCode::kUsage, outputs[shared->second].string(),
                "is to hold two outputs, expected a file each");
  std::map<Identity, std::filesystem::path> written;
  for (const auto& output : outputs)
    if (const auto identity = IdentityOf(output)) written.emplace(*identity, output);
  if (written.empty()) return;
  for (const auto& input : inputs) {
    const std::optional<Identity> identity = IdentityOf(input);
    const auto it = identity ? written.find(*identity) : written.end();
    if (it == written.end()) continue;
    // As it was given, where another path leads to the same file.
    const std::string which = it->second == input ? "" : fmt::format(" ({})", input.string());
    throw Error(ExitCode::kUsage, it->second.string(),
                fmt::format("is an input{}, will not overwrite it", which));
  }
}

}  // namespace qconvert

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

struct Outputs {
  std::map<Identity, size_t> written;  // the first that is this file
  std::optional<std::pair<size_t, size_t>> shared;
};

Outputs IdentifyOutputs(const std::vector<std::filesystem::path>& outputs) {
  Outputs out;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const std::optional<Identity> identity = IdentityOf(outputs[k]);
    if (!identity) continue;
    const auto [first, is_new] = out.written.emplace(*identity, k);
    if (!is_new && !out.shared) out.shared = {first->second, k};
  }
  return out;
}

}  // namespace

std::optional<std::pair<size_t, size_t>> FindSharedOutput(
    const std::vector<std::filesystem::path>& outputs) {
  return IdentifyOutputs(outputs).shared;
}

void RefuseOverwriting(const std::vector<std::filesystem::path>& outputs,
                       const std::vector<std::filesystem::path>& inputs) {
  const auto [written, shared] = IdentifyOutputs(outputs);
  if (shared)
    throw Error(ExitCode::kUsage, outputs[shared->second].string(),
                "is to hold two outputs, expected a file each");
  if (written.empty()) return;
  for (const auto& input : inputs) {
    const std::optional<Identity> identity = IdentityOf(input);
    const auto it = identity ? written.find(*identity) : written.end();
    if (it == written.end()) continue;
    // As it was given, where another path leads to the same file.
    const std::filesystem::path& output = outputs[it->second];
    const std::string which = output == input ? "" : fmt::format(" ({})", input.string());
    throw Error(ExitCode::kUsage, output.string(),
                fmt::format("is an input{}, will not overwrite it", which));
  }
}

}  // namespace qconvert

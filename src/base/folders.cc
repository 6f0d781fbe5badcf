#include "qconvert/base/folders.h"

#include <system_error>

#include "qconvert/base/error.h"

namespace qconvert {

void MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ExitCode::kFile, folder.string(), "cannot be made: " + error.message());
}

std::vector<Provisional> MakeProvisionalFolder(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<Provisional> made;
  // Listed before they are made, so that no moment is left in which a signal would leave them.
  for (std::filesystem::path missing = folder;
       // Ends at the root, which is its own parent, or at the empty parent of a relative path.
       !missing.empty() && !std::filesystem::exists(missing, ignored);
       missing = missing.parent_path()) {
    made.emplace_back(missing);
  }
  if (!made.empty()) MakeFolder(folder);
  return made;
}

}  // namespace qconvert

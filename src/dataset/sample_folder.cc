#include "qconvert/dataset/sample_folder.h"

#include <fmt/format.h>

#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/nearest_file.h"

namespace qconvert {

void CheckSampleFolder(const std::filesystem::path& folder, const std::string& place) {
  std::error_code ignored;  // a name may be too long for a file
  if (std::filesystem::exists(folder, ignored)) return;
  const std::string named = place.empty() ? "" : " " + folder.string();
  throw Error(ExitCode::kFile, place.empty() ? folder.string() : place,
              fmt::format("no such calibration folder{}{}", named, DidYouMeanBeside(folder)));
}

}  // namespace qconvert

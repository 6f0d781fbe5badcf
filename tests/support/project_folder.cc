#include "support/project_folder.h"

namespace qconvert {

const std::filesystem::path& ProjectFolder() {
  static const std::filesystem::path folder = QCONVERT_SOURCE_DIR;
  return folder;
}

}  // namespace qconvert

#include "qconvert/base/temporary_folder.h"

#include <stdlib.h>

#include <system_error>

#include "qconvert/base/error.h"

namespace qconvert {

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  std::string pattern = (parent / "qconvert_XXXXXX").string();
  // mkdtemp puts the name that it found into the pattern.
  if (error || mkdtemp(pattern.data()) == nullptr)
    throw Error(ExitCode::kFile, pattern, "no temporary folder can be made, TMPDIR says where");
  path_ = pattern;
  provisional_.emplace_back(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::File(const std::string& name) {
  std::filesystem::path file = path_ / name;
  provisional_.emplace_back(file);
  return file;
}

}  // namespace qconvert

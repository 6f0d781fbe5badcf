// A folder of files that nobody needs afterwards.
#ifndef QCONVERT_BASE_TEMPORARY_FOLDER_H_
#define QCONVERT_BASE_TEMPORARY_FOLDER_H_

#include <deque>
#include <filesystem>
#include <string>

#include "qconvert/base/provisional.h"

namespace qconvert {

// New and empty, below the system's folder for temporary files (TMPDIR). Goes with all that lies in
// it when this is destroyed, and when the run is killed with all that File has named.
class TemporaryFolder {
 public:
  // Throws Error(kFile) when none can be made.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The path of a file in it, which need not be there yet.
  std::filesystem::path File(const std::string& name);

 private:
  std::filesystem::path path_;
  std::deque<Provisional> provisional_;
};

}  // namespace qconvert

#endif  // QCONVERT_BASE_TEMPORARY_FOLDER_H_

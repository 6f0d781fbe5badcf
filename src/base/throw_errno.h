// What the system says of a call on a file that failed.
#ifndef QCONVERT_SRC_BASE_THROW_ERRNO_H_
#define QCONVERT_SRC_BASE_THROW_ERRNO_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "qconvert/base/error.h"

namespace qconvert {

// Throws Error(kFile) at `path`: "ACTION: " and the words for `error`, an errno.
[[noreturn]] inline void ThrowErrno(const std::filesystem::path& path, std::string_view action,
                                    int error) {
  throw Error(ExitCode::kFile, path.string(),
              std::string(action) + ": " + std::generic_category().message(error));
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_BASE_THROW_ERRNO_H_

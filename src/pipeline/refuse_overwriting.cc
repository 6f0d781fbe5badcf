#include "refuse_overwriting.h"

#include <fmt/format.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"

namespace qconvert {

void RefuseOverwriting(const std::filesystem::path& output, const std::filesystem::path& input) {
  if (!input.empty() && SameFile(output, input)) {
    throw Error(ExitCode::kUsage, output.string(),
                fmt::format("is an input ({}), will not overwrite it", input.string()));
  }
}

void RefuseOverwriting(const std::filesystem::path& output,
                       const std::vector<std::filesystem::path>& inputs) {
  for (const auto& input : inputs) RefuseOverwriting(output, input);
}

}  // namespace qconvert

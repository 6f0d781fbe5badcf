#include "qconvert/runtime/trace.h"

#include <filesystem>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/temporary_folder.h"

namespace qconvert {
namespace {

constexpr int64_t kMostTraceBytes = int64_t{1} << 30;

}  // namespace

std::string TraceRuns(const std::string& model_bytes, const std::string& place,
                      OrtSessionOptions options, std::span<const Tensor> inputs, int runs) {
  TemporaryFolder folder;
  options.trace_prefix = folder.path() / "trace";
  {
    const auto session = OpenOrtSession(model_bytes, place, options);
    // The engine has put the date into its name.
    for (const auto& file : ListFolder(folder.path())) folder.File(file.filename().string());
    for (int run = 0; run < runs; ++run) session->Run(inputs, nullptr);
  }
  const std::vector<std::filesystem::path> files = ListFolder(folder.path());
  if (files.size() != 1)
    throw Error(ExitCode::kFile, folder.path().string(),
                "holds no trace, the engine could write none");
  std::string trace = ReadFile(files[0], kMostTraceBytes);
  // The engine does not notice a full disk, and leaves half a list.
  if (trace.find_last_of(']') == std::string::npos || trace.find_last_of(']') < trace.rfind('}'))
    throw Error(ExitCode::kFile, folder.path().string(),
                "is too full for the engine's trace, expected room for temporary files there");
  return trace;
}

}  // namespace qconvert

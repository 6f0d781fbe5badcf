#include "qconvert/runtime/trace.h"

#include <filesystem>
#include <string_view>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/temporary_folder.h"

namespace qconvert {
namespace {

constexpr int64_t kMostTraceBytes = int64_t{1} << 30;

// The engine writes names of nodes as they are, and makes names of its own from those of values:
// quotes, line ends and broken UTF-8 among them would leave no JSON.
std::string WithPlainNames(const std::string& trace) {
  constexpr std::string_view kBegin = "\"name\" :\"";
  constexpr std::string_view kEnd = "\",\"args\" : {";
  std::string out;
  size_t at = 0;
  for (size_t begin = trace.find(kBegin); begin != std::string::npos;
       begin = trace.find(kBegin, at)) {
    begin += kBegin.size();
    const size_t end = trace.find(kEnd, begin);
    if (end == std::string::npos) break;
    out.append(trace, at, begin - at);
    for (size_t i = begin; i < end; ++i) {
      const char c = trace[i];
      const bool is_plain = c >= ' ' && c < '\x7F' && c != '"' && c != '\\';
      out += is_plain ? c : '_';
    }
    at = end;
  }
  return out.append(trace, at);
}

}  // namespace

std::string TraceRuns(const std::string& model_bytes, const std::string& place,
                      OrtSessionOptions options, std::span<const Tensor> inputs, int runs) {
  TemporaryFolder folder;
  options.trace_prefix = folder.path() / "trace";
  // The trace is complete once the session is closed.
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
  return WithPlainNames(trace);
}

}  // namespace qconvert

#include "dump_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/signals.h"
#include "qconvert/dataset/npy_writer.h"

namespace qconvert {

void RequireEmptyFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return;
  if (std::filesystem::is_directory(folder, error) && std::filesystem::is_empty(folder, error))
    return;
  throw Error(ExitCode::kFile, folder.string(),
              "is there already and not an empty folder; debug_mode writes the calibration data to "
              "it");
}

void DumpSamples(const SampleSource& samples, const std::filesystem::path& folder) {
  for (size_t k = 0; k < samples.size(); ++k) {
    for (const Tensor& input : samples.Read(k).inputs) {
      std::string name = input.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '/' || c == '\\' || c == ':'; }, '_');
      MakeFolder(folder / name);
      WriteFile(folder / name / fmt::format("{}.npy", k), NpyBytes(input));
      ReleaseSignals();
    }
  }
}

}  // namespace qconvert

#include "dump_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/signals.h"
#include "qconvert/dataset/npy_writer.h"

namespace qconvert {
namespace {

constexpr size_t kMostProvisional = 10'000;

}  // namespace

void RequireEmptyFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return;
  if (std::filesystem::is_directory(folder, error) && std::filesystem::is_empty(folder, error))
    return;
  throw Error(ExitCode::kFile, folder.string(),
              "is there already and not an empty folder; debug_mode writes the calibration data to "
              "it");
}

void SampleDump::Prepare(const std::filesystem::path& folder) {
  std::vector<Provisional> made = MakeProvisionalFolder(folder);
  made_.list.insert(made_.list.end(), std::make_move_iterator(made.rbegin()),
                    std::make_move_iterator(made.rend()));
}

SampleDump::SampleDump(const SampleSource& samples, const std::filesystem::path& folder) {
  // One sample at a time is in memory.
  for (size_t k = 0; k < samples.size(); ++k) {
    for (const Tensor& input : samples.Read(k).inputs) {
      std::string name = input.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '/' || c == '\\' || c == ':'; }, '_');
      Prepare(folder / name);
      const std::filesystem::path file = folder / name / fmt::format("{}.npy", k);
      // Signals remove what is on a list of limited length (base/provisional.h).
      if (made_.list.size() < kMostProvisional) made_.list.emplace_back(file);
      WriteFile(file, NpyBytes(input));
      ReleaseSignals();
    }
  }
}

void SampleDump::Keep() {
  for (Provisional& one : made_.list) one.Keep();
}

}  // namespace qconvert

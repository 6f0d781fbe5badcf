#include "dump_samples.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <system_error>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/signals.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/dataset/plain_name.h"

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

std::vector<std::string> FoldersOfInputs(const std::vector<Tensor>& inputs) {
  std::vector<std::string> names;
  for (const Tensor& input : inputs) names.push_back(input.name);
  return PlainNames(names);
}

void SampleDump::Prepare(const std::filesystem::path& folder) {
  std::vector<Provisional> made = MakeProvisionalFolder(folder);
  made_.list.insert(made_.list.end(), std::make_move_iterator(made.rbegin()),
                    std::make_move_iterator(made.rend()));
}

SampleDump::SampleDump(const SampleSource& samples, const std::filesystem::path& folder) {
  // One sample at a time is in memory.
  for (size_t k = 0; k < samples.size(); ++k) {
    const std::vector<Tensor> inputs = samples.Read(k).inputs;
    const std::vector<std::string> names = FoldersOfInputs(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::filesystem::path inside = folder / names[i];
      Prepare(inside);
      const std::filesystem::path file = inside / fmt::format("{}.npy", k);
      // Signals remove what is on a list of limited length (base/provisional.h).
      if (made_.list.size() < kMostProvisional) made_.list.emplace_back(file);
      WriteFile(file, NpyBytes(inputs[i]));
      ReleaseSignals();
    }
  }
}

void SampleDump::Keep() {
  for (Provisional& one : made_.list) one.Keep();
}

}  // namespace qconvert

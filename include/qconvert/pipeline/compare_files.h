// Compares two models on the same samples.
#ifndef QCONVERT_PIPELINE_COMPARE_FILES_H_
#define QCONVERT_PIPELINE_COMPARE_FILES_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/file_comparison.h"

namespace qconvert {

struct CompareFilesOptions {
  std::filesystem::path a;  // what counts as right
  std::filesystem::path b;
  SampleData data;
  std::optional<Gate> budget;                  // what every output must reach
  bool inner = true;                           // also values between
  bool nodes = false;                          // describe the nodes of `a` too, for the page
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
  std::function<void(size_t done, size_t total)> progress;  // of passes over the samples
};

// Runs both on every sample. Outputs are matched by name, and so are float32 values that nodes of
// the top level compute in both; one that is quantized counts as its readers see it:
//
//   x -> QuantizeLinear -> DequantizeLinear -> x'      x'
//
// The outputs are those of the models as they are; inner values are looked at in further runs, a
// group at a time that takes at most kInnerBytes for a sample, and what an engine fuses with a
// value that nobody looks at it may compute apart there. Random nodes get equal seeds. Throws
// Error: kModel when the models have no output of one name or take other inputs, and what loading,
// sampling and running throw.
inline constexpr size_t kInnerBytes = size_t{64} << 20;
FileComparison CompareFiles(const CompareFilesOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_COMPARE_FILES_H_

// What a model gave for some samples: what qconvert run tells.
#ifndef QCONVERT_REPORT_RUN_REPORT_H_
#define QCONVERT_REPORT_RUN_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/ir/tensor.h"

namespace qconvert {

// One output over all samples.
struct OutputSummary {
  std::string name;
  DataType type = DataType::kUndefined;  // kUndefined: no tensor
  std::vector<int64_t> dims;             // of the first sample
  bool varies = false;                   // other samples have another shape
  int64_t finite = 0;                    // values that min, max and mean are over
  int64_t non_finite = 0;                // NaN and infinities
  double min = 0;
  double max = 0;
  double sum = 0;

  double mean() const { return finite > 0 ? sum / static_cast<double>(finite) : 0; }
  // Adds the next sample's. Values of strings and of types below 8 bits are not looked at.
  void Add(const Tensor& tensor);
};

struct RunReport {
  std::string model;  // as the user named it
  size_t samples = 0;
  std::vector<OutputSummary> outputs;
  std::string folder;  // what was written to; empty: nothing was written
  size_t files = 0;
};

// The table for people, 80 columns wide.
std::string FormatRun(const RunReport& report);
// The same for scripts. `exit_class` is ExitCodeName of the run.
std::string RunJson(const RunReport& report, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_RUN_REPORT_H_

// Compares what two conversions decided, or what one decided with new samples.
#ifndef QCONVERT_PIPELINE_DIFF_RESULTS_H_
#define QCONVERT_PIPELINE_DIFF_RESULTS_H_

#include <filesystem>
#include <functional>
#include <vector>

#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/plan_difference.h"

namespace qconvert {

struct DiffResultsOptions {
  std::filesystem::path a;      // a quantized model with its quant_info beside it, or that file
  std::filesystem::path b;      // another; empty: samples
  std::filesystem::path model;  // the float model that the samples run through
  SampleData data;
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
  std::function<void(size_t done, size_t total)> progress;
};

// Throws ConfigError for a quant_info that is none, or of another model than `model`, Error(kFile)
// for a missing one, and what MakeCalibrationTable throws.
PlanDifference DiffResults(const DiffResultsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_DIFF_RESULTS_H_

// Times the engine's kernels on the processor at hand, for estimates that fit it.
#ifndef QCONVERT_PIPELINE_MEASURE_COSTS_H_
#define QCONVERT_PIPELINE_MEASURE_COSTS_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "qconvert/targets/cost_table.h"

namespace qconvert {

struct MeasuredCosts {
  CostTable table;
  size_t networks = 0;       // that were timed, float and integer ones
  double mean_error = 0;     // of the table's estimates of these, relative
  double default_error = 0;  // of the built-in table's
};

struct MeasureCostsOptions {
  double milliseconds = 60;                                 // at least, for each network
  std::function<void(size_t done, size_t total)> progress;  // may be empty
};

// Runs small networks (cost_networks.h) on one thread, in float, on integers and in parts on
// integers, and takes of each the least time of many runs: other work on the machine only ever
// adds. Takes half a minute. Throws Error(kModel) when the engine cannot run one.
MeasuredCosts MeasureCosts(const MeasureCostsOptions& options);

// The form of --cost-table: every term by its name, nanoseconds.
std::string CostTableJson(const CostTable& table);
// Throws ConfigError with all problems: terms that are missing, unknown or below 0; Error(kFile)
// when the file cannot be read.
CostTable ReadCostTable(const std::filesystem::path& file);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_MEASURE_COSTS_H_

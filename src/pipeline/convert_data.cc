#include "convert_data.h"

namespace qconvert {

CalibrationData DataOf(const ConvertOptions& options) {
  return {.folder = options.calibration_folder,
          .states = options.states,
          .max_samples = options.max_samples,
          .stacked = options.stacked,
          .workers = options.workers,
          .memory_limit = options.memory_limit,
          .settings = options.config.calibration,
          .deployment = options.config.deployment,
          .optional =
              !options.table.empty() || options.plan != nullptr || !NeedsSamples(options.config)};
}

}  // namespace qconvert

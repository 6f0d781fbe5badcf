#include "convert_data.h"

namespace qconvert {

CalibrationData DataOf(const ConvertOptions& options, const FoldedInputs& folded) {
  return {.folder = options.calibration_folder,
          .states = options.states,
          .max_samples = options.max_samples,
          .stacked = options.stacked,
          .workers = options.workers,
          .memory_limit = options.memory_limit,
          .settings = options.config.calibration,
          .effective = &options.effective_config,
          .deployment = options.config.deployment,
          .folded = folded,
          .optional =
              !options.table.empty() || options.plan != nullptr || !NeedsSamples(options.config)};
}

std::filesystem::path DumpFolder(const ConvertOptions& options) {
  return OutputPath(options).replace_filename("calibration_data");
}

}  // namespace qconvert

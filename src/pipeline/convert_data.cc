#include "convert_data.h"

#include "output_files.h"
#include "qconvert/base/refuse_overwriting.h"

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

SampleSource OpenSamples(const ConvertOptions& options, const CalibrationData& data,
                         const Graph& graph) {
  SampleSource samples = OpenCalibrationData(data, graph, options.model.string());
  RefuseOverwriting(OutputsOf(options), samples.files());
  return samples;
}

std::filesystem::path DumpFolder(const ConvertOptions& options) {
  return OutputPath(options).replace_filename("calibration_data");
}

}  // namespace qconvert

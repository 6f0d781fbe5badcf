// Samples as the command line names them.
#ifndef QCONVERT_PIPELINE_SAMPLE_DATA_H_
#define QCONVERT_PIPELINE_SAMPLE_DATA_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/config/quant_config.h"

namespace qconvert {

struct SampleData {
  std::filesystem::path folder;  // laid out as sample_source.h says
  std::vector<StateInput> states;
  int workers = 0;          // samples run at the same time; 0: one per processor
  int64_t max_samples = 0;  // 0: all
  bool stacked = false;     // axis 0 of files stacks samples
  // How files become samples: transforms and format, and the inputs of a camera file.
  CalibrationSettings settings;
  DeploymentConfig deployment;
};

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_SAMPLE_DATA_H_

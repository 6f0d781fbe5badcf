// Samples for a model: the command line and the settings together.
#ifndef QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_
#define QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/calibration/calibrator.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// What the command line says; where it says nothing, `settings` hold.
struct CalibrationData {
  std::filesystem::path folder;
  std::vector<StateInput> states;
  int64_t max_samples = 0;
  int workers = 0;
  CalibrationSettings settings;
};

// The samples. `place` names the model. Throws Error: kUsage when there are none or a state does
// not fit the model, kModel for an input that no data can fill, and what OpenSamples throws.
SampleSource OpenCalibrationData(const CalibrationData& data, const Graph& graph,
                                 const std::string& place);

// Threads that run samples; one per processor when nobody says.
int WorkerCount(const CalibrationData& data);

// Throws Error(kNumeric) naming the first weight that is not finite.
void CheckWeightsFinite(const Graph& graph, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_

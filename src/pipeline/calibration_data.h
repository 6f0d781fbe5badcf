// Samples for a model: the command line and the settings together.
#ifndef QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_
#define QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_

#include <filesystem>
#include <string>
#include <vector>

#include "picture_format.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/sample_data.h"

namespace qconvert {

// What the command line says; where it says nothing, `settings` hold.
struct CalibrationData {
  std::filesystem::path folder;
  std::vector<StateInput> states;
  int64_t max_samples = 0;
  bool stacked = false;  // axis 0 of files stacks samples
  int workers = 0;
  int64_t memory_limit = 0;
  CalibrationSettings settings;
  const ConfigNode* effective = nullptr;  // where they were written, for messages; null: unknown
  DeploymentConfig deployment;            // what the files of images hold
  FoldedInputs folded;                    // what the model does itself
  bool optional = false;                  // nowhere said where they are: none
  bool any_name_is_raw = false;           // files of unknown extensions hold headerless elements
};

// What commands without settings of their own say. Of a settings file it takes how files become
// samples, not where they are.
CalibrationData FromSampleData(const SampleData& data);

// The samples. `place` names the model. Throws Error: kUsage when there are none, unless they are
// `optional`, or a state does not fit the model, kModel for an input that no data can fill, and
// what OpenSamples throws.
SampleSource OpenCalibrationData(const CalibrationData& data, const Graph& graph,
                                 const std::string& place);

// Whether they are random: nobody gives any, and the settings leave it at that.
bool IsRandom(const CalibrationData& data);

// What the settings say of an input; an only one may stand there without a name. Null: nothing.
const InputSettings* FindInputSettings(const DeploymentConfig& deployment,
                                       const std::string& input);

// Threads that run samples; one per processor when nobody says.
int WorkerCount(const CalibrationData& data);

// Bytes that may be resident during calibration; 0: any.
int64_t MemoryLimit(const CalibrationData& data);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CALIBRATION_DATA_H_

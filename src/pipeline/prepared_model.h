// The one way from a model file and settings to what is calibrated and converted.
#ifndef QCONVERT_SRC_PIPELINE_PREPARED_MODEL_H_
#define QCONVERT_SRC_PIPELINE_PREPARED_MODEL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "check_samples.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/transform/channel_moments.h"
#include "setting_problems.h"

namespace qconvert {

struct PreparedModel {
  Model model;             // after all float passes, types known
  ModelSettings settings;  // with the nodes that layer entries speak of
  // SHA-256 of the prepared graph as text: equal for equal nodes, names and shapes. With the hash
  // of the model's file it stands for the values that a calibration table speaks of.
  std::string fingerprint;
  FirstLayers first;
  std::map<std::string, ChannelMoments> moments;  // of the model as it came, by value
  size_t equalized = 0;                           // layers, with their readers
  bool stores_float16 = false;                    // what stays float of a float16 model
  std::vector<std::string> warnings;
};

// model as it came -> settings -> passes -> types -> fingerprint. `place` names the model. Throws
// ConfigError when settings do not fit the model, with all that does not behind `problems`, and
// what PrepareModel throws.
PreparedModel PrepareWithSettings(Model model, const ModelConfig& config, const std::string& place,
                                  const PassOptions& passes = {}, SettingProblems problems = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PREPARED_MODEL_H_

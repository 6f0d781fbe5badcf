// The Horizon YAML, see dialect.h, and the parts of its reader: model, inputs, nodes.
#ifndef QCONVERT_CONFIG_HORIZON_HORIZON_H_
#define QCONVERT_CONFIG_HORIZON_HORIZON_H_

#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"
#include "qconvert/config/read_config.h"

namespace qconvert {

const SettingTable& HorizonTable();
// The vendor's tool takes True, 1 and "true" for a bool, and an empty value for an absent one.
void NormalizeHorizon(ConfigNode& root, ConfigProblems& problems);
// A key without its section is looked for in all of them.
std::vector<std::string> HorizonOverridePath(const std::string& key);
ReadResult ReadHorizon(const ConfigNode& root, ReadContext& context);

const SettingTable& HorizonQuantTable();      // quant_config
const SettingTable& HorizonActivationKeys();  // an activation object in it
const std::vector<std::string>& QuantTypes();
const std::vector<std::string>& SearchMetrics();

// One part per input: a closing separator is none.
std::vector<std::string> SplitPerInput(std::string_view text);
// The parts that are not empty.
std::vector<std::string> SplitNames(std::string_view text);

// "input 'x'", or "the input" for an only one without a name.
std::string NameOf(const InputSettings& input);

// A part of the checked file and what is made of it. `section` is null when the file lacks it.
struct HorizonPart {
  const ConfigNode& section;
  ReadContext& context;
  QuantConfig& config;

  const ConfigNode* Find(std::string_view key) const;
  // Reports at `key`, or at the section when the key is not there.
  void Refuse(std::string_view key, const std::string& message) const;
  // The same for what is understood, but cannot be done.
  void NotYet(std::string_view key, const std::string& what) const;
};

// input_parameters and compiler_parameters.input_source -> config.deployment.inputs.
void ReadHorizonInputs(const HorizonPart& part, const ConfigNode* input_source);

// cal_data_dir, cal_data_type, preprocess_on and calib_transforms -> config.calibration and the
// inputs, which are there already.
void ReadHorizonData(const HorizonPart& part);

// What `dims` (-1 where free) break of the rules for `input`: rank, channels, even sizes, numbers
// per channel.
std::vector<std::string> FindShapeProblems(const InputSettings& input,
                                           const std::vector<int64_t>& dims, bool is_j5);

// What only the model can confirm, see CheckInputs.
void CheckHorizonInputs(const DeploymentConfig& deployment, const ConfigNode& effective,
                        const std::vector<InputSignature>& inputs);

// node_info, run_on_cpu, run_on_bpu, optimization and quant_config -> settings and layers on top of
// config.tensors. `quant` is the parsed quant_config, null without one.
void ReadHorizonNodes(const HorizonPart& model, const HorizonPart& calibration,
                      const ConfigNode* quant);

// The settings of a BPU: int8 symmetric, weights per channel.
NodeSettings BpuInt8Settings();

// Method and percentage of a calibration_type. Reports what is not known at `type`.
void ApplyCalibrationType(const std::string& type, const ConfigNode* percentile,
                          TensorSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_HORIZON_HORIZON_H_

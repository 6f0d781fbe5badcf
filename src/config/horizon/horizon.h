// The Horizon YAML, see dialect.h, and the parts of its reader: model, inputs, nodes.
#ifndef QCONVERT_CONFIG_HORIZON_HORIZON_H_
#define QCONVERT_CONFIG_HORIZON_HORIZON_H_

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"
#include "qconvert/config/read_config.h"

namespace qconvert {

const SettingTable& HorizonTable();
// The vendor's tool takes True, 1 and "true" for a bool, and an empty value for an absent one.
void NormalizeHorizon(ConfigNode& root, ReadContext& context);
// A key without its section is looked for in all of them.
std::vector<std::string> HorizonOverridePath(const std::string& key);
std::span<const SettingRules> RulesOfHorizon();
bool KeepFloatInHorizon(ConfigNode& root, const std::string& pattern);
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

// A part of the checked file and what is made of it. `section` is empty when the file lacks it.
struct HorizonPart {
  const ConfigNode& section;
  ReadContext& context;
  QuantConfig& config;

  const ConfigNode* Find(std::string_view key) const;
  // Nothing stands there, nor anything that was refused and told.
  bool Lacks(std::string_view key) const { return section.Find(key) == nullptr; }
  // Reports at `key`, or at the section when the key is not there.
  void Refuse(std::string_view key, const std::string& message) const;
};

// input_parameters and compiler_parameters.input_source -> config.deployment.inputs.
void ReadHorizonInputs(const HorizonPart& part, const ConfigNode* input_source);

// Of horizon_inputs.cc. Values of `key` by input; null: not given or of a wrong count, which is
// told.
std::optional<std::vector<std::string>> ValuesPerInput(const HorizonPart& part, const char* key);

// mean_value, scale_value, std_value, norm_type and fold_normalization -> the inputs, whose kinds
// are there already where `kinds_known`.
void ReadNormalization(const HorizonPart& part, bool kinds_known);

// resizer_interp_mode, resizer_pad_mode and resizer_pad_value -> the inputs, whose sources are
// there already.
void ReadResizers(const HorizonPart& part);

// J5's input_layout_rt -> the inputs, which are there already.
void ReadRuntimeLayouts(const HorizonPart& part);

// cal_data_dir, cal_data_type, preprocess_on and calib_transforms -> config.calibration and the
// inputs, which are there already.
void ReadHorizonData(const HorizonPart& part);

// Whether all pictures of a batch would go through one resizer, which takes one; J5's stages stand
// behind it.
bool ResizesTogether(const InputSettings& input, Generation generation);

// What `dims` (-1 where free) break of the rules for `input`: rank, channels, even sizes, numbers
// per channel, pictures of a resizer.
std::vector<std::string> FindShapeProblems(const InputSettings& input,
                                           const std::vector<int64_t>& dims, bool is_j5);

// What only the model can confirm, see CheckInputs.
void CheckHorizonInputs(const DeploymentConfig& deployment, const ConfigNode& effective,
                        const std::vector<InputSignature>& inputs);

// node_info, run_on_cpu, run_on_bpu, optimization and quant_config -> settings and layers on top of
// config.tensors. `quant` is the parsed quant_config, null without one.
void ReadHorizonNodes(const HorizonPart& model, const HorizonPart& calibration,
                      const ConfigNode* quant);

// What quant_config and the keys beside it say twice, of the whole model: warnings.
void CheckQuantConfig(const HorizonPart& calibration, const ConfigNode& quant);

// Of horizon_types.cc. The name of an operator type as ONNX spells it; `type` where nobody knows
// it. The vendor's tool compares without regard to case.
std::string OpTypeInAnyCase(const std::string& type);
void KeepFloat(NodeSettings& tensors);
// int8, int16, float16 or float32 for `tensors`.
void SetBits(const std::string& type, const ConfigNode& at,
             std::initializer_list<TensorSettings*> tensors, ConfigProblems& problems);
// A qtype: int16 is int16 activations with int8 weights, dual-int16 both in 16 bits; floats leave
// the node alone.
void SetQuantType(const ConfigNode& type, NodeSettings& tensors, ReadContext& context);
// {input0: int16, input1: int8}.
void SetTypePerInput(const ConfigNode& types, NodeSettings& tensors, ConfigProblems& problems);
// per_channel: true of activations.
void EvenOutChannels(const ConfigNode& at, ReadContext& context, QuantConfig& config);

// `node` once its keys are checked, which no table that holds it has done; nothing, and told, where
// it is no map. `expected`: what the map holds, for the message.
std::optional<ConfigNode> CheckedMap(const ConfigNode& node, std::string_view name,
                                     const SettingTable& keys, std::string_view expected,
                                     ReadContext& context);

// Keys of a search; its `layer` is one of the same.
const SettingTable& HorizonSearchKeys();

// The settings of a BPU: int8 symmetric, weights per channel.
NodeSettings BpuInt8Settings();

// An activation object of quant_config, of the whole model (`tensors` is then that of `config`) or
// of nodes; lists are searched (config.search). And the searches of a level of the whole model,
// behind its activation.
void ReadHorizonActivation(const ConfigNode& activation, NodeSettings& tensors, QuantConfig& config,
                           ReadContext& context);
void ReadHorizonSearch(const ConfigNode& level, QuantConfig& config);

// A layerwise_search for nodes that need another qtype, once that of all nodes is known.
void ReadHorizonNodeSearch(const ConfigNode& level, QuantConfig& config, ReadContext& context);

// calibration_type load: the model keeps the scales it has, only weights are left to be stored.
void LoadThresholds(QuantConfig& config);

// Method and percentage of a calibration_type; `share` is max_percentile, 1 without one.
void ApplyCalibrationType(const std::string& type, double share, TensorSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_HORIZON_HORIZON_H_

// The JSON of AMD Quark's ONNX quantizer, see dialect.h: its long form (QConfig.to_dict) and its
// short one (*.quark.json with spec names), and any mix of both.
#ifndef QCONVERT_CONFIG_QUARK_QUARK_H_
#define QCONVERT_CONFIG_QUARK_QUARK_H_

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"

namespace qconvert {

// Ours beside Quark's, as in the Vitis language.
inline constexpr std::array<const char*, 4> kQuarkKeysOfVitis = {"scheme", "objective", "processor",
                                                                 "effort"};

const SettingTable& QuarkTable();
const SettingTable& QuarkLayerTable();  // global_config and an entry's layer object
const SettingTable& QuarkEntryTable();  // {"target_node_names": [...], "layer_config": {...}}
const SettingTable& QuarkExcludeTable();
// Parameters of an algorithm; null for a name that nobody knows.
const SettingTable* FindQuarkAlgorithm(std::string_view name);
std::vector<std::string> QuarkAlgorithms();
// algo_config -> include_cle, include_bias_corr, second_order_rounding, fast_finetune in `out`.
// What is not done is a warning.
void AddQuarkAlgorithms(const ConfigNode& root, ReadContext& context, ConfigNode& out);

// An option without prefix is looked for in extra_options too.
std::vector<std::string> QuarkOverridePath(const std::string& key);
std::span<const SettingRules> RulesOfQuark();
bool KeepFloatInQuark(ConfigNode& root, const std::string& pattern);
// Quark's keys -> those of Vitis, with their places.
ConfigNode TranslateQuark(const ConfigNode& root, ReadContext& context);

// What a tensor object says, short and long form together. Places are those of the keys that said
// it; null where nothing did.
struct QuarkTensor {
  ConfigNode symmetric;
  ConfigNode scale_type;   // "Float32", without prefix
  ConfigNode method;       // "MinMSE"
  ConfigNode granularity;  // "Channel"
  ConfigNode data_type;    // "Int8"
};
// Keys of the long form that are missing are those of the spec of its data_type; reports an object
// with neither.
QuarkTensor ReadQuarkTensor(const ConfigNode& object, ReadContext& context);
// Adds datatype, bit_width, symmetry and signed of Vitis to `out`. Reports block formats, which
// no operator of ONNX holds.
void SetQuarkType(const QuarkTensor& tensor, ReadContext& context, ConfigNode& out);

// specific_layer_config, layer_type_config and exclude -> entries of layer_quantize_config.
void AddQuarkLayers(const ConfigNode& root, ReadContext& context, ConfigNode& layers);

// OpTypesToQuantize, NodesToQuantize, InputNodes, OutputNodes, the lists of excluded outputs and
// TensorQuantOverrides -> entries of layer_quantize_config and value_quantize_config.
void AddQuarkSelection(const ConfigNode& root, const QuarkTensor& values, ReadContext& context,
                       ConfigNode& out, ConfigNode& layers);

// UseMatMulNBits and its parameters -> weights in blocks, everything else in float.
void AddQuarkBlocks(const ConfigNode& root, ReadContext& context, ConfigNode& out,
                    ConfigNode& tensors);

// Takes empty texts among extra_options for none.
void NormalizeQuark(ConfigNode& root, ReadContext& context);
// Reports extra_options that ask for what is not done; those that make no difference are infos.
void CheckQuarkOptions(const ConfigNode& root, ReadContext& context);
const SettingTable& QuarkOptionTable();

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_QUARK_QUARK_H_

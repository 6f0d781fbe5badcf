// The JSON of AMD Quark's ONNX quantizer, see dialect.h: its long form (QConfig.to_dict) and its
// short one (*.quark.json with spec names), and any mix of both.
#ifndef QCONVERT_CONFIG_QUARK_QUARK_H_
#define QCONVERT_CONFIG_QUARK_QUARK_H_

#include <array>
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
// An entry adaround or adaquant of algo_config -> include_fast_ft and fast_finetune in `out`.
void AddQuarkFinetuning(const ConfigNode& item, ReadContext& context, ConfigNode& out);

// An option without prefix is looked for in extra_options too.
std::vector<std::string> QuarkOverridePath(const std::string& key);
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
// Reports keys of the long form that are missing, for an entry those that count.
QuarkTensor ReadQuarkTensor(const ConfigNode& object, bool is_entry, ReadContext& context);
// Adds datatype, bit_width, symmetry and signed of Vitis to `out`. Reports block formats as not yet
// done.
void SetQuarkType(const QuarkTensor& tensor, ReadContext& context, ConfigNode& out);

// specific_layer_config, layer_type_config and exclude -> entries of layer_quantize_config.
void AddQuarkLayers(const ConfigNode& root, ReadContext& context, ConfigNode& layers);

// UseMatMulNBits and its parameters -> weights in blocks, everything else in float.
void AddQuarkBlocks(const ConfigNode& root, ReadContext& context, ConfigNode& out,
                    ConfigNode& tensors);

// Reports extra_options that ask for what is not done; those that make no difference are infos.
void CheckQuarkOptions(const ConfigNode& root, ReadContext& context);
const SettingTable& QuarkOptionTable();

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_QUARK_QUARK_H_

// The Vitis AI quantizer's JSON, see dialect.h.
#ifndef QCONVERT_CONFIG_VITIS_VITIS_H_
#define QCONVERT_CONFIG_VITIS_VITIS_H_

#include <span>
#include <string>
#include <vector>

#include "dialect.h"
#include "vitis/vitis_tables.h"

namespace qconvert {

// Names of devices as the vendor's tools have them ("NPU", "DPUCZDX8G_ISA1_B4096") become DPU,
// empty names of layers are not given, and narrow_range of a DPU is false, each but the empty names
// with a warning.
void NormalizeVitis(ConfigNode& root, ReadContext& context);
// An entry of layer_quantize_config for a file translated from another language: `datatype` for
// what `key` and `value` speak of. By name it is optional: other tools say nothing of names that
// are not there.
void AddLayerEntry(ConfigNode& layers, const char* key, const ConfigNode& value,
                   const char* datatype);
// Entries of a file translated from another language keep the root's percentage of activations,
// which the vendor's tool would reset for every parameter object without one.
void KeepPercentage(ConfigNode& root);
// "activation.method" stands in tensor_quantize_config, "overall.method" in
// overall_quantize_config.
std::vector<std::string> VitisOverridePath(const std::string& key);
std::span<const SettingRules> RulesOfVitis();
bool KeepFloatInVitis(ConfigNode& root, const std::string& pattern);
ReadResult ReadVitis(const ConfigNode& root, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_VITIS_H_

// The keys of the Vitis AI quantizer's JSON, with ours beside them.
#ifndef QCONVERT_CONFIG_VITIS_VITIS_TABLES_H_
#define QCONVERT_CONFIG_VITIS_VITIS_TABLES_H_

#include "qconvert/config/tensor_settings.h"
#include "text/setting_table.h"

namespace qconvert {

const SettingTable& VitisTable();       // top level; the flat form's keys too
const SettingTable& ParameterTable();   // overall_quantize_config and one tensor type
const SettingTable& TensorTable();      // tensor_quantize_config
const SettingTable& SubgraphTable();    // layer_subgraph in it
const SettingTable& LayerTable();       // an entry of layer_quantize_config
const SettingTable& ValueTable();       // an entry of value_quantize_config
const SettingTable& CalibrationKeys();  // calibration

// A parameter object with the vendor's default for every key of `type`.
ConfigNode VitisDefaults(TensorType type);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_VITIS_TABLES_H_

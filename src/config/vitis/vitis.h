// The Vitis AI quantizer's JSON, see dialect.h.
#ifndef QCONVERT_CONFIG_VITIS_VITIS_H_
#define QCONVERT_CONFIG_VITIS_VITIS_H_

#include <string>
#include <vector>

#include "dialect.h"
#include "vitis/vitis_tables.h"

namespace qconvert {

// "activation.method" stands in tensor_quantize_config, "overall.method" in
// overall_quantize_config.
std::vector<std::string> VitisOverridePath(const std::string& key);
ReadResult ReadVitis(const ConfigNode& root, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_VITIS_H_

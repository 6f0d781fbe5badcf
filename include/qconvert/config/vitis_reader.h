// The Vitis AI quantizer's JSON (mix_precision_config.json) -> QuantConfig.
//
// What works now: target_device CPU; scheme and objective (ours); overall_quantize_config and
// tensor_quantize_config with datatype int, bit_width, method maxmin, percentile, mse and auto,
// percentage, round_mode half_even, symmetry, per_channel, signed, narrow_range, scale_type float;
// include_cle, include_bias_corr, convert_relu6_to_relu, convert_silu_to_hswish,
// keep_first_last_layer_accuracy, keep_add_layer_accuracy, change_concat_input_fix and
// change_pool_input_fix when false. Every other key or value is an error: "not implemented yet"
// when the vendor's language has it, else "unknown".
//
// Merge order, later wins key by key: defaults, overall_quantize_config,
// tensor_quantize_config[type], overrides. On target CPU the overall object says nothing about bias
// (integer kernels take int32 with scale s_x * s_w), nor about per_channel of input and activation.
#ifndef QCONVERT_CONFIG_VITIS_READER_H_
#define QCONVERT_CONFIG_VITIS_READER_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// Reads a file, applies `overrides` ("activation.method=percentile", "overall.symmetry=true",
// "include_cle=false") and checks the result. Throws ConfigError with all problems, Error(kFile)
// when the file cannot be read.
QuantConfig ReadVitisConfig(const std::filesystem::path& file,
                            const std::vector<std::string>& overrides);

// The same from text; `name` stands for the file in messages.
QuantConfig ParseVitisConfig(const std::string& text, const std::string& name,
                             const std::vector<std::string>& overrides);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_READER_H_

// Nodes that stay float, said in the language that settings came in.
#ifndef QCONVERT_CONFIG_FLOAT_NODES_H_
#define QCONVERT_CONFIG_FLOAT_NODES_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/config/export_config.h"

namespace qconvert {

// What was written with an entry for each pattern (name_pattern.h) behind those that there are:
//
//   Vitis     layer_quantize_config: an entry of float32, by layer_name
//   Paddle    not_quant_pattern: re:EXPRESSION
//   Quark     exclude: a name, or ^(?:EXPRESSION)$
//   Horizon   calibration_parameters.run_on_cpu: names alone, joined by semicolons
//
// Nothing where the language, or this file, cannot say it: that is tried, by reading the result as
// a file at `target`.
std::optional<ConfigNode> WithFloatNodes(const WrittenConfig& config,
                                         const std::vector<std::string>& patterns,
                                         const std::filesystem::path& target);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_FLOAT_NODES_H_

// PaddleSlim's settings, see dialect.h.
#ifndef QCONVERT_CONFIG_PADDLE_PADDLE_H_
#define QCONVERT_CONFIG_PADDLE_PADDLE_H_

#include <span>
#include <string>
#include <vector>

#include "dialect.h"

namespace qconvert {

const SettingTable& PaddleTable();
// Takes the settings of quantization out of a file of a training or compression tool, and brings
// names of quant_aware, quant_post_static and of operators to those of the table.
void NormalizePaddle(ConfigNode& root, ReadContext& context);
// The settings of quantization in such a file, or `root` itself.
ConfigNode& PaddleSettings(ConfigNode& root);
// Of a checked tree: switches and classes that are words of other keys become those.
void RenamePaddleValues(ConfigNode& root, ConfigProblems& problems);
std::vector<std::string> PaddleQuantizers();  // the classes of activation_quantizer
std::vector<std::string> PaddleOverridePath(const std::string& key);
std::span<const SettingRules> RulesOfPaddle();
bool KeepFloatInPaddle(ConfigNode& root, const std::string& pattern);
// Paddle's keys -> those of Vitis, with their places.
ConfigNode TranslatePaddle(const ConfigNode& root, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_PADDLE_PADDLE_H_

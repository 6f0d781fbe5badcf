// One entry for config files of every language: the keys decide which it is, not the file's name.
//
//   Vitis    mix_precision_config.json of the Vitis AI quantizer, nested or flat; ours beside it
//   Paddle   weight_quantize_type, activation_bits, ...: mapped onto the former
//   Horizon  model_parameters, input_parameters, ... of the J6 and J5 toolchains
//   Quark    global_config, specific_layer_config, ... of AMD Quark: mapped onto Vitis
//
// Each may be written in JSON or YAML. docs/config.md lists every key.
#ifndef QCONVERT_CONFIG_READ_CONFIG_H_
#define QCONVERT_CONFIG_READ_CONFIG_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"

namespace qconvert {

// A setting from the command line, on top of the file: "activation.method=percentile",
// "overall.symmetry=true", "include_cle=false", "calibration_parameters.calibration_type=max".
struct ConfigOverride {
  std::string text;
  std::string source;  // as the user wrote it, for messages: "--set activation.method=percentile"
};

struct LoadedConfig {
  QuantConfig config;
  std::string dialect;  // the language: "Vitis", "Paddle", "Horizon", "Quark"
  // Every setting that holds, defaults too, each with the place it came from; in the language of
  // the file (Paddle, Quark: in that of Vitis).
  ConfigNode effective;
  std::string text;  // a fingerprint's: the tree as JSON, files named in it, further overrides
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

// Reads a file (and a quant_config file it names), applies `overrides`, checks all of it. Paths in
// the result are absolute or relative to the current folder. Throws ConfigError with all problems,
// Error(kFile) when a file cannot be read.
LoadedConfig ReadConfig(const std::filesystem::path& file,
                        const std::vector<ConfigOverride>& overrides);

// The same from text; `file` stands for the file in messages and for relative paths.
LoadedConfig ParseConfigText(const std::string& text, const std::filesystem::path& file,
                             const std::vector<ConfigOverride>& overrides);

// `effective` as YAML, with the place of each setting as a comment. Reads back as the same config.
std::string PrintConfig(const ConfigNode& effective);

// The same for outputs, which name no folders: places by the file's own name.
std::string PrintConfigWithoutFolders(ConfigNode effective);

// One input of the model; dimensions are -1 where free.
struct InputSignature {
  std::string name;
  bool has_shape = true;
  std::vector<int64_t> dims;
};

// What the settings say about inputs and only the model can confirm: names, and for a Horizon file
// counts, shapes, channels, even sizes. Throws ConfigError with all problems at their places in
// `effective`.
void CheckInputs(const QuantConfig& config, const ConfigNode& effective,
                 const std::vector<InputSignature>& inputs);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_READ_CONFIG_H_

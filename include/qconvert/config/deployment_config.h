// What a Horizon file says about the model and its inputs: how the deployed model will be fed and
// what becomes of its borders. Empty for other languages.
#ifndef QCONVERT_CONFIG_DEPLOYMENT_CONFIG_H_
#define QCONVERT_CONFIG_DEPLOYMENT_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/config/resizer_settings.h"

namespace qconvert {

// Which toolchain's rules hold, by march.
enum class Generation {
  kNone,  // not a Horizon file
  kJ5,    // bernoulli2, bayes, bayes-e: calibration data in raw pixels
  kJ6,    // nash-*: calibration data as the float model takes it
};

enum class CalibrationDomain {
  kNormalized,  // what the float model takes
  kRaw,         // pixels of the training domain; (x - mean) * scale is still to be done
};

// What an input is fed with, or was trained on.
enum class InputKind { kFeaturemap, kRgb, kBgr, kYuv444, kGray, kNv12 };
enum class InputLayout { kNone, kNchw, kNhwc };
enum class YuvRange { kFull, kVideo };  // 0..255, or 16..235 (BT.601)
enum class InputSource { kDdr, kPyramid, kResizer };
// Elements of headerless calibration files.
enum class RawElement {
  kOfInput,  // the type of the float model's input
  kUint8,
  kFloat32,
};

// One input of the model.
struct InputSettings {
  std::string name;                               // empty: the only input
  InputKind kind_rt = InputKind::kFeaturemap;     // of the deployed model
  InputKind kind_train = InputKind::kFeaturemap;  // of the float model
  InputLayout layout_train = InputLayout::kNone;
  // Of J5's deployed model, not of the stages before it; kNone: that of the float model.
  InputLayout layout_rt = InputLayout::kNone;
  YuvRange range = YuvRange::kFull;
  std::vector<int64_t> shape;  // empty: the model's
  // In units of 0..255 and training channel order; empty, one, or one per channel:
  // (x - mean) * scale.
  std::vector<double> mean;
  std::vector<double> scale;
  bool separate_batch = false;
  InputSource source = InputSource::kDdr;
  RawElement raw = RawElement::kOfInput;
  ResizerSettings resizer;  // of InputSource::kResizer

  double MeanOf(size_t channel) const { return NumberOf(mean, channel, 0); }
  double ScaleOf(size_t channel) const { return NumberOf(scale, channel, 1); }
  bool normalizes() const { return !mean.empty() || !scale.empty(); }

  bool operator==(const InputSettings&) const = default;

 private:
  static double NumberOf(const std::vector<double>& numbers, size_t channel, double fallback) {
    if (numbers.empty()) return fallback;
    return numbers.size() == 1 ? numbers[0] : numbers.at(channel);
  }
};

struct DeploymentConfig {
  Generation generation = Generation::kNone;
  std::string march;
  std::filesystem::path model;
  std::filesystem::path working_dir;
  std::string output_prefix;
  CalibrationDomain calibration_domain = CalibrationDomain::kNormalized;
  bool skip_calibration = false;  // random data where no samples are given
  bool load_thresholds = false;   // the model has its scales: that of quantization-aware training
  std::vector<InputSettings> inputs;
  int64_t input_batch = 0;  // 0: not said
  std::vector<std::string> output_nodes;
  std::vector<std::string> remove_node_types;
  std::vector<std::string> remove_node_names;
  std::vector<std::string> keep_node_names;  // win over both
  std::vector<std::string> run_on_bpu;       // nodes that must be quantized
  bool dump_layers = false;
  bool dump_calibration_data = false;
  std::string model_output_type;    // "", or the type of the graph's outputs
  bool fold_normalization = false;  // mean and scale into the weights of the first nodes
  bool layer_details = true;        // nodes, values and weights in the page of --report
  std::string log_level;            // of J5: debug, info, warn or error; "": not said

  bool operator==(const DeploymentConfig&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_DEPLOYMENT_CONFIG_H_

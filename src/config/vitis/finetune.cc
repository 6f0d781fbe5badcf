#include "vitis/finetune.h"

#include <algorithm>
#include <string_view>

#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMostCount = 1e9;
// Whole numbers up to 2^53 are exact as doubles, which bounds are.
constexpr double kMostSeed = 9e15;
constexpr double kLeastMemory = 1 << 20;
constexpr double kVitisRate = 0.01;
constexpr int64_t kAdaQuantSteps = 3000;

Setting Count(std::string name, std::string fallback, std::string example, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kInteger,
          .fallback = std::move(fallback),
          .example = std::move(example),
          .help = std::move(help),
          .min = 1,
          .max = kMostCount};
}

Setting Switch(std::string name, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kBool,
          .fallback = "true",
          .example = "false",
          .help = std::move(help)};
}

LearningUnit UnitOf(std::string_view word) {
  if (word == "block") return LearningUnit::kBlock;
  return word == "auto" ? LearningUnit::kAuto : LearningUnit::kLayer;
}

}  // namespace

const SettingTable& FinetuneTable() {
  static const SettingTable table{
      "fast_finetune",
      {{.name = "algorithm",
        .kind = Kind::kWord,
        .fallback = "adaquant",
        .example = "adaround",
        .help = "weights move freely, or go up or down to a neighbouring code",
        .words = {"adaround", "adaquant"}},
       {.name = "reconstruction",
        .kind = Kind::kWord,
        .fallback = "layer",
        .example = "block",
        .help =
            "ours: what learns together: each layer by itself, then the layers of a block; auto: "
            "blocks where layers leave less than 30 dB",
        .words = {"layer", "block", "auto"}},
       Count("num_iterations", "1000, 3000 for adaquant", "500", "steps per layer"),
       Count("num_epochs", "none", "10",
             "passes over what a layer learns from, in place of num_iterations"),
       {.name = "learning_rate",
        .kind = Kind::kNumber,
        .fallback = "0.1 for adaround; adaquant: 0.01 of the deviation of a channel's weights, a "
                    "tenth of that above 36 dB",
        .example = "0.00001",
        .help = "of a rounding, or of a weight",
        .min = 0,
        .max = 1,
        .above_min = true},
       Count("batch_size", "1", "2", "samples per step; a sample counts as 256 output positions"),
       Count("data_size", "as many as memory has room for", "1000", "samples to learn from"),
       {.name = "fixed_seed",
        .kind = Kind::kInteger,
        .fallback = "1705472343",
        .example = "1",
        .help = "of what drop_ratio drops",
        .min = 0,
        .max = kMostSeed},
       Switch("early_stop", "adaquant: a layer ends when the samples held out get no better"),
       Switch("update_bias", "biases are learned along"),
       {.name = "drop_ratio",
        .kind = Kind::kNumber,
        .fallback = "1",
        .example = "0.5",
        .help = "how likely an input is the quantized one, else that of the float model",
        .min = 0,
        .max = 1},
       {.name = "target_op_type",
        .kind = Kind::kTexts,
        .fallback = "all that can be learned",
        .example = "[Conv, Gemm]",
        .help = "op types of the layers that are learned: Conv, Gemm, MatMul"},
       {.name = "memory",
        .kind = Kind::kInteger,
        .fallback = "536870912",
        .example = "268435456",
        .help = "bytes that values of layers may take; bounds the number of samples",
        .min = kLeastMemory}}};
  return table;
}

LearningSettings ReadFinetune(const ConfigNode* written) {
  LearningSettings settings{.method = LearningMethod::kAdaQuant};
  const auto find = [&](const char* key) {
    return written == nullptr ? nullptr : FindValue(*written, key);
  };
  if (const ConfigNode* value = find("algorithm"); value != nullptr && value->scalar == "adaround")
    settings.method = LearningMethod::kAdaRound;
  if (const ConfigNode* value = find("reconstruction")) settings.unit = UnitOf(value->scalar);
  if (settings.method == LearningMethod::kAdaQuant) {
    settings.iterations = kAdaQuantSteps;
    settings.learning_rate = kVitisRate;
    settings.rate_of_deviation = true;
  }
  const auto integer = [&](const char* key, int64_t& member) {
    if (const ConfigNode* value = find(key)) member = AsInteger(*value);
  };
  integer("num_iterations", settings.iterations);
  integer("num_epochs", settings.epochs);
  integer("data_size", settings.samples);
  integer("memory", settings.memory);
  int64_t samples_per_step = 1;
  integer("batch_size", samples_per_step);
  // The default, 256 positions, is that of one sample.
  settings.batch *= samples_per_step;
  if (const ConfigNode* value = find("fixed_seed"))
    settings.seed = static_cast<uint64_t>(AsInteger(*value));
  if (const ConfigNode* value = find("learning_rate")) {
    settings.learning_rate = AsNumber(*value);
    settings.rate_of_deviation = false;
  }
  if (const ConfigNode* value = find("early_stop")) settings.stops_early = AsBool(*value);
  if (const ConfigNode* value = find("update_bias")) settings.learns_bias = AsBool(*value);
  if (const ConfigNode* value = find("drop_ratio")) settings.quantized_part = AsNumber(*value);
  if (const ConfigNode* types = find("target_op_type"))
    for (const ConfigNode& type : types->items) settings.op_types.push_back(type.scalar);
  return settings;
}

}  // namespace qconvert

// PaddleSlim's quantization settings, as PaddleOCR's PACT training uses them, in the words of
// Vitis.
//
// Weights and activations lie on the symmetric grid [-(2^(b-1)-1), 2^(b-1)-1]; layers of the types
// in quantizable_layer_type are quantized, everything else stays float. Source: PaddleSlim,
// documentation of paddleslim.QAT and of quant_aware's quant_config.
#include <fmt/format.h>

#include <utility>

#include "op_names.h"
#include "paddle/paddle.h"
#include "qconvert/base/suggest.h"
#include "text/node_edit.h"
#include "text/parse_config.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMaxPaddleBits = 16;
constexpr double kMaxWindow = 1e9;

constexpr const char* kWeightPact = "weight_preprocess_type";
constexpr const char* kActivationPact = "activation_preprocess_type";

class Translator {
 public:
  Translator(const ConfigNode& root, ReadContext& context) : root_(root), context_(context) {}

  ConfigNode Translate() {
    ConfigNode out = MapNode(root_.place);
    Set(out, "target_device", "CPU", "");
    Set(out, "extensions", "true", "");
    Set(out, "include_cle", "false", "");
    Set(out, "include_bias_corr", "false", "");
    ConfigNode& tensors = ChildOf(out, "tensor_quantize_config");
    tensors = MapNode(root_.place);
    for (const char* type : {"input", "activation"}) Activation(ChildOf(tensors, type));
    Weights(ChildOf(tensors, "weights"));
    ConfigNode& bias = ChildOf(tensors, "bias");
    Common(bias);
    Set(bias, "bit_width", "32", "");
    Set(bias, "method", "maxmin", "");
    Layers(ChildOf(out, "layer_quantize_config"));
    Set(out, "learned_clipping", Has(kActivationPact) ? "true" : "false", kActivationPact);
    return out;
  }

 private:
  // Sets `key`; its place is that of the Paddle key `from`, a default's when that was not written.
  void Set(ConfigNode& object, const char* key, const std::string& value, const char* from) {
    const ConfigNode* written = FindValue(root_, from);
    ChildOf(object, key) = WordNode(value, written == nullptr ? ConfigPlace{} : written->place);
  }

  std::string Written(const char* key, const char* fallback) const {
    const ConfigNode* value = FindValue(root_, key);
    return value == nullptr ? fallback : value->scalar;
  }

  bool Has(const char* pact) const { return Written(pact, "None") == "PACT"; }

  // Everything is float unless a layer entry says otherwise.
  void Common(ConfigNode& object) {
    object = MapNode(root_.place);
    Set(object, "datatype", "float32", "quantizable_layer_type");
    Set(object, "round_mode", "half_even", "");
    Set(object, "scale_type", "float", "");
    Set(object, "symmetry", "true", "");
    Set(object, "signed", "true", "dtype");
    Set(object, "narrow_range", "true", "");
    Set(object, "per_channel", "false", "");
  }

  void Method(ConfigNode& object, const char* key, const char* fallback) {
    const std::string word = Written(key, fallback);
    const bool abs_max = word == "abs_max" || word == "channel_wise_abs_max";
    Set(object, "method", abs_max ? "maxmin" : word, key);
    if (word == "moving_average_abs_max")
      Set(object, "moving_rate", Written("moving_rate", "0.9"), "moving_rate");
    if (word == "range_abs_max")
      Set(object, "window_size", Written("window_size", "10000"), "window_size");
  }

  void Activation(ConfigNode& object) {
    Common(object);
    Method(object, "activation_quantize_type", "moving_average_abs_max");
    Set(object, "bit_width", Written("activation_bits", "8"), "activation_bits");
    Set(object, "calib_statistic_method", "all", "");
  }

  void Weights(ConfigNode& object) {
    Common(object);
    Method(object, "weight_quantize_type", "channel_wise_abs_max");
    // All that a threshold of weights can win: they are at hand, nothing has to be learned.
    if (Has(kWeightPact)) Set(object, "method", "mse", kWeightPact);
    Set(object, "bit_width", Written("weight_bits", "8"), "weight_bits");
    const bool per_channel =
        Written("weight_quantize_type", "channel_wise_abs_max") == "channel_wise_abs_max";
    Set(object, "per_channel", per_channel ? "true" : "false", "weight_quantize_type");
  }

  void Layers(ConfigNode& layers) {
    layers.kind = ConfigNode::Kind::kSequence;
    const ConfigNode* types = FindValue(root_, "quantizable_layer_type");
    const ConfigNode fallback = DefaultValue("[Conv2D, Linear]");
    for (const ConfigNode& type : (types == nullptr ? fallback : *types).items) {
      if (FindOpTypes(type.scalar).empty()) {
        context_.problems.Add(type.place,
                              fmt::format("unknown quantizable_layer_type '{}'{}", type.scalar,
                                          DidYouMean(type.scalar, KnownOpNames())));
      }
      Entry(layers, "layer_type", type, "int");
    }
    const ConfigNode* patterns = FindValue(root_, "not_quant_pattern");
    if (patterns == nullptr) return;
    for (const ConfigNode& pattern : patterns->items) {
      ConfigNode glob = pattern;
      glob.scalar = "*" + pattern.scalar + "*";
      Entry(layers, "layer_name", glob, "float32");
    }
  }

  static void Entry(ConfigNode& layers, const char* key, const ConfigNode& value,
                    const char* datatype) {
    ConfigNode entry = MapNode(value.place);
    ChildOf(entry, key) = value;
    ConfigNode& overall = ChildOf(entry, "overall_quantize_config");
    overall = MapNode(value.place);
    ChildOf(overall, "datatype") = WordNode(datatype, value.place);
    layers.items.push_back(std::move(entry));
  }

  const ConfigNode& root_;
  ReadContext& context_;
};

}  // namespace

const SettingTable& PaddleTable() {
  static const std::vector<std::string> activation_types = {"abs_max", "range_abs_max",
                                                            "moving_average_abs_max"};
  static const std::vector<std::string> weight_types = {"abs_max", "channel_wise_abs_max",
                                                        "range_abs_max", "moving_average_abs_max"};
  static const SettingTable table{
      "the Paddle language",
      {{.name = "weight_quantize_type",
        .kind = Kind::kWord,
        .fallback = "channel_wise_abs_max",
        .example = "abs_max",
        .help = "range of weights, per output channel or per tensor",
        .words = weight_types},
       {.name = "activation_quantize_type",
        .kind = Kind::kWord,
        .fallback = "moving_average_abs_max",
        .example = "abs_max",
        .help = "range of activations and inputs",
        .words = activation_types},
       {.name = "weight_bits",
        .kind = Kind::kInteger,
        .fallback = "8",
        .example = "8",
        .help = "bit_width of weights",
        .min = 1,
        .max = kMaxPaddleBits},
       {.name = "activation_bits",
        .kind = Kind::kInteger,
        .fallback = "8",
        .example = "16",
        .help = "bit_width of activations and inputs",
        .min = 1,
        .max = kMaxPaddleBits},
       {.name = "dtype",
        .kind = Kind::kWord,
        .fallback = "int8",
        .example = "int8",
        .help = "type of the codes",
        .words = {"int8"}},
       {.name = "window_size",
        .kind = Kind::kInteger,
        .fallback = "10000",
        .example = "500",
        .help = "of range_abs_max",
        .min = 1,
        .max = kMaxWindow},
       {.name = "moving_rate",
        .kind = Kind::kNumber,
        .fallback = "0.9",
        .example = "0.99",
        .help = "of moving_average_abs_max",
        .min = 0,
        .max = 1,
        .above_min = true},
       {.name = "quantizable_layer_type",
        .kind = Kind::kTexts,
        .fallback = "[Conv2D, Linear]",
        .example = "[Conv2D, Linear, Conv2DTranspose]",
        .help = "types of layers that are quantized; everything else stays float"},
       {.name = "not_quant_pattern",
        .kind = Kind::kTexts,
        .fallback = "none",
        .example = "[skip_quant]",
        .help = "nodes with one of these in their name stay float"},
       {.name = "weight_preprocess_type",
        .kind = Kind::kWord,
        .fallback = "None",
        .example = "PACT",
        .help = "PACT: weights are clipped where that leaves the least error",
        .words = {"None", "PACT"}},
       {.name = "activation_preprocess_type",
        .kind = Kind::kWord,
        .fallback = "None",
        .example = "PACT",
        .help = "PACT: thresholds are learned from what the readers of a value write",
        .words = {"None", "PACT"}}}};
  return table;
}

std::vector<std::string> PaddleOverridePath(const std::string& key) {
  if (PaddleTable().Find(key) == nullptr) return {};
  return {key};
}

ConfigNode TranslatePaddle(const ConfigNode& root, ReadContext& context) {
  return Translator(root, context).Translate();
}

}  // namespace qconvert

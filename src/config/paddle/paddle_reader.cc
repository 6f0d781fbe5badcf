// PaddleSlim's quantization settings, as PaddleOCR's PACT training uses them, in the words of
// Vitis.
//
// Weights and activations lie on the symmetric grid [-(2^(b-1)-1), 2^(b-1)-1]; layers of the types
// in quantizable_layer_type are quantized, everything else stays float. Source: PaddleSlim,
// documentation of paddleslim.QAT and of quant_aware's quant_config.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "op_names.h"
#include "paddle/paddle.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/name_pattern.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

constexpr double kHistPercent = 0.99999;

constexpr const char* kWeightPact = "weight_preprocess_type";
constexpr const char* kActivationPact = "activation_preprocess_type";

class Translator {
 public:
  Translator(const ConfigNode& root, ReadContext& context) : root_(root), context_(context) {}

  ConfigNode Translate() {
    ConfigNode out = MapNode(root_.place);
    Set(out, "target_device", "CPU", "");
    // Paddle asks for pairs of method and scale that the Vitis AI quantizer refuses.
    Set(out, "extensions", "true", "");
    Set(out, "include_cle", "false", "");
    Set(out, "include_bias_corr", Written("bias_correction", "false"), "bias_correction");
    ConfigNode& tensors = ChildOf(out, "tensor_quantize_config");
    tensors = MapNode(root_.place);
    for (const char* type : {"input", "activation"}) Activation(ChildOf(tensors, type));
    Weights(ChildOf(tensors, "weights"));
    ConfigNode& bias = ChildOf(tensors, "bias");
    Common(bias);
    Set(bias, "bit_width", "32", "");
    Set(bias, "method", "maxmin", "");
    Layers(ChildOf(out, "layer_quantize_config"));
    const bool learned = Has(kActivationPact) || IsLearned("activation_quantize_type");
    Set(out, "learned_clipping", learned ? "true" : "false",
        Has(kActivationPact) ? kActivationPact : "activation_quantize_type");
    PostTraining(out);
    KeepPercentage(out);
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

  // Of quant_aware: scales that training would learn.
  bool IsLearned(const char* type) const {
    return Written(type, "").find("lsq") != std::string::npos;
  }

  // A layer of every type is quantized, not those of quantizable_layer_type alone.
  bool IsFull() const { return Written("is_full_quantize", "false") == "true"; }

  // Everything is float unless a layer entry says otherwise.
  void Common(ConfigNode& object) {
    object = MapNode(root_.place);
    Set(object, "datatype", IsFull() ? "int" : "float32",
        IsFull() ? "is_full_quantize" : "quantizable_layer_type");
    Set(object, "round_mode", "half_even", "");
    Set(object, "scale_type", "float", "");
    Set(object, "symmetry", "true", "");
    Set(object, "signed", "true", "dtype");
    Set(object, "narrow_range", "true", "");
    Set(object, "per_channel", "false", "");
  }

  void Method(ConfigNode& object, const char* key, const char* fallback) {
    const std::string word = Written(key, fallback);
    const bool abs_max = word == "abs_max" || word == "channel_wise_abs_max" || IsLearned(key);
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
    if (FindValue(root_, "algo") != nullptr) Algorithm(object);
  }

  // Of quant_post_static, whose activation_quantize_type says nothing of the method. Source:
  // PaddleSlim, paddleslim/quant/quanter.py.
  void Algorithm(ConfigNode& object) {
    static const std::map<std::string, std::string, std::less<>> kMethods = {
        {"KL", "entropy"}, {"hist", "percentile"}, {"mse", "mse"},        {"emd", "mse"},
        {"avg", "maxmin"}, {"abs_max", "maxmin"},  {"min_max", "maxmin"}, {"ptf", "maxmin"}};
    const std::string algo = Written("algo", "hist");
    Set(object, "method", kMethods.at(algo), "algo");
    if (algo == "avg") Set(object, "calib_statistic_method", "mean", "algo");
    if (algo != "hist") return;
    const ConfigNode* share = FindValue(root_, "hist_percent");
    const double percentage = 100 * (share == nullptr ? kHistPercent : AsNumber(*share));
    Set(object, "percentage", fmt::format("{}", percentage), "hist_percent");
  }

  // What quant_post_static has beside ranges.
  void PostTraining(ConfigNode& out) {
    if (Written("round_type", "round") == "adaround") {
      Set(out, "include_fast_ft", "true", "round_type");
      ConfigNode& finetune = ChildOf(out, "fast_finetune");
      finetune = MapNode(root_.place);
      Set(finetune, "algorithm", "adaround", "round_type");
    }
    if (const ConfigNode* batches = FindValue(root_, "batch_nums")) {
      const ConfigNode* size = FindValue(root_, "batch_size");
      // No overflow: the table lets 10^6 pass for each. More samples than may be named are all.
      const auto most =
          static_cast<int64_t>(VitisTable().Find("calibration")->object->Find("max_samples")->max);
      const int64_t samples =
          std::min(AsInteger(*batches) * (size == nullptr ? 1 : AsInteger(*size)), most);
      ConfigNode& calibration = ChildOf(out, "calibration");
      calibration = MapNode(root_.place);
      Set(calibration, "max_samples", std::to_string(samples), "batch_nums");
    }
    const ConfigNode* skipped = FindValue(root_, "skip_tensor_list");
    if (skipped != nullptr) {
      context_.Warn(skipped->place,
                    "skip_tensor_list has no effect: its names are of Paddle's program, "
                    "not_quant_pattern keeps nodes in float");
    }
  }

  void Weights(ConfigNode& object) {
    Common(object);
    Method(object, "weight_quantize_type", "channel_wise_abs_max");
    // All that a threshold of weights can win: they are at hand, nothing has to be learned.
    if (Has(kWeightPact)) Set(object, "method", "mse", kWeightPact);
    Set(object, "bit_width", Written("weight_bits", "8"), "weight_bits");
    const bool per_channel =
        Written("weight_quantize_type", "channel_wise_abs_max").starts_with("channel_wise");
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
        continue;
      }
      // With is_full_quantize the root is int already; the list is checked all the same.
      if (!IsFull()) AddLayerEntry(layers, "layer_type", type, "int");
    }
    const ConfigNode* patterns = FindValue(root_, "not_quant_pattern");
    if (patterns == nullptr) return;
    for (const ConfigNode& pattern : patterns->items) {
      ConfigNode glob = pattern;
      // Paddle looks for the text anywhere in a name.
      if (!pattern.scalar.starts_with("re:")) glob.scalar = "*" + pattern.scalar + "*";
      AddLayerEntry(layers, "layer_name", glob, "float32");
    }
  }

  const ConfigNode& root_;
  ReadContext& context_;
};

}  // namespace

std::vector<std::string> PaddleOverridePath(const std::string& key) {
  if (PaddleTable().Find(key) == nullptr) return {};
  return {key};
}

// The vendor's patterns fit anywhere in a name: those of others that it begins would go along.
bool KeepFloatInPaddle(ConfigNode& root, const std::string& pattern) {
  if (WrittenPattern(pattern) != pattern) return false;
  ConfigNode& entry = ListOf(PaddleSettings(root), "not_quant_pattern")
                          .items.emplace_back(WordNode("re:" + ExpressionOf(pattern)));
  entry.quoted = true;
  return true;
}

ConfigNode TranslatePaddle(const ConfigNode& root, ReadContext& context) {
  // A copy: what was written is held against the rules afterwards.
  ConfigNode renamed = root;
  RenamePaddleValues(renamed, context.problems);
  return Translator(renamed, context).Translate();
}

}  // namespace qconvert

// Quark's JSON in the words of Vitis.
//
// What a method does with a scale is not what one would think; it is done here as the vendor's tool
// does it. Source: AMD Quark, quark/onnx/quantization/config (maps.py, spec.py, algorithm.py).
#include <fmt/format.h>

#include <map>
#include <utility>

#include "qconvert/base/suggest.h"
#include "quark/quark.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr const char* kDefaultPercentage = "99.999";

class Translator {
 public:
  Translator(const ConfigNode& root, ReadContext& context) : root_(root), context_(context) {}

  ConfigNode Translate() {
    ReadGlobal();
    ConfigNode out = MapNode(root_.place);
    SetTarget(out);
    for (const char* key : kQuarkKeysOfVitis) Copy(FindValue(root_, key), out, key);
    Set(out, "extensions", "true");
    Set(out, "include_cle", "false");
    Set(out, "include_bias_corr", "false");
    ConfigNode& tensors = ChildOf(out, "tensor_quantize_config");
    tensors = MapNode(root_.place);
    for (const char* type : {"input", "activation"}) Activation(ChildOf(tensors, type), type);
    Weights(ChildOf(tensors, "weights"));
    Bias(ChildOf(tensors, "bias"));
    Layers(out, tensors);
    Options(out);
    // Off unless the list of algorithms names them; our own default tries both.
    AddQuarkAlgorithms(root_, context_, out);
    CheckQuarkOptions(root_, context_);
    KeepPercentage(out);
    return out;
  }

 private:
  static void Set(ConfigNode& object, const char* key, std::string value,
                  const ConfigPlace& place = {}) {
    ChildOf(object, key) = WordNode(std::move(value), place);
  }

  static void Copy(const ConfigNode* value, ConfigNode& object, const char* key) {
    if (value != nullptr) ChildOf(object, key) = *value;
  }

  const ConfigNode* Option(const char* key) const {
    const ConfigNode* options = FindValue(root_, "extra_options");
    return options == nullptr ? nullptr : FindValue(*options, key);
  }

  bool IsOn(const char* option, bool fallback) const {
    const ConfigNode* value = Option(option);
    return value == nullptr ? fallback : AsBool(*value);
  }

  void ReadGlobal() {
    const ConfigNode* global = FindValue(root_, "global_config");
    if (global == nullptr) {
      if (root_.Find("global_config") == nullptr)
        context_.problems.Add(root_.place,
                              "has no global_config, expected one with input_tensors and weight");
      return;
    }
    const ConfigNode* values = FindValue(*global, "input_tensors");
    const ConfigNode* older = FindValue(*global, "activation");
    if (values != nullptr && older != nullptr)
      context_.problems.Add(older->place,
                            "activation is the older name of input_tensors, expected one of them");
    values_ =
        ReadTensor(*global, values == nullptr && older != nullptr ? "activation" : "input_tensors");
    weights_ = ReadTensor(*global, "weight");
    for (const char* key : {"bias", "output_tensors"}) {
      if (const ConfigNode* idle = FindValue(*global, key))
        context_.Warn(
            idle->place,
            fmt::format("{} has no effect at global_config, as with the vendor's tool", key));
    }
  }

  QuarkTensor ReadTensor(const ConfigNode& global, const char* key) {
    const ConfigNode* object = FindValue(global, key);
    if (object != nullptr) return ReadQuarkTensor(*object, context_);
    if (global.Find(key) == nullptr)
      context_.problems.Add(global.place, fmt::format("global_config has no {}", key));
    return {};
  }

  static bool IsPowerOfTwo(const QuarkTensor& tensor) {
    return tensor.scale_type.scalar == "PowerOf2";
  }

  // Both sides with power-of-two scales are what an NPU takes, unless the option says otherwise.
  void SetTarget(ConfigNode& out) {
    const ConfigNode* option = Option("EnableNPUCnn");
    const bool pof2 = IsPowerOfTwo(values_) && IsPowerOfTwo(weights_);
    on_npu_ = IsOn("EnableNPUCnn", pof2);
    Set(out, "target_device", on_npu_ ? "DPU" : "CPU",
        option != nullptr ? option->place
        : on_npu_         ? values_.scale_type.place
                          : ConfigPlace{});
    const ConfigNode* given = FindValue(root_, "target_device");
    if (given == nullptr) return;
    // Our own key wins over both: rounding and biases below follow it.
    on_npu_ = given->scalar == "DPU";
    Copy(given, out, "target_device");
  }

  void Common(ConfigNode& object, const QuarkTensor& tensor, const char* half) {
    object = MapNode(root_.place);
    Set(object, "round_mode", on_npu_ ? half : "half_even");
    SetQuarkType(tensor, context_, object);
  }

  void SetScale(ConfigNode& object, const char* method, bool power_of_two,
                const QuarkTensor& tensor) {
    Set(object, "method", method, tensor.method.place);
    Set(object, "scale_type", power_of_two ? "poweroftwo" : "float", tensor.scale_type.place);
  }

  void Activation(ConfigNode& object, const std::string& type) {
    Common(object, values_, type == "activation" ? "half_up" : "std_round");
    Set(object, "per_channel", "false");
    Statistic(object, type == "activation");
    const std::string& method = values_.method.scalar;
    // One object says it for both types: it is told once.
    const bool tell = type == "activation";
    if (method == "MinMSE") {
      if (!IsPowerOfTwo(values_) && tell)
        context_.Warn(values_.method.place,
                      "MinMSE of activations has power-of-two scales, as with the vendor's tool");
      SetScale(object, "diffs", true, values_);
    } else if (method == "MinMax") {
      if (values_.scale_type.scalar == "Int16" && tell)
        context_.problems.Add(values_.scale_type.place,
                              "scale_type is 'Int16', expected Float32 or PowerOf2 with MinMax");
      SetScale(object, "maxmin", IsPowerOfTwo(values_), values_);
    } else {
      Histogram(object, method, tell);
    }
    if (tell && (values_.granularity.scalar == "Channel" || values_.granularity.scalar == "Group"))
      context_.Warn(
          values_.granularity.place,
          fmt::format("quant_granularity {} has no effect on activations, as with the vendor's "
                      "tool",
                      values_.granularity.scalar));
  }

  // How batches become one range.
  void Statistic(ConfigNode& object, bool tell) {
    const ConfigNode* mode = Option("MinMSEModePof2Scale");
    const bool most_common = mode != nullptr && mode->scalar == "MostCommon";
    if (tell && mode != nullptr && !most_common && mode->scalar != "All")
      context_.problems.Add(mode->place,
                            NotOneOf("MinMSEModePof2Scale", mode->Shown(), {"All", "MostCommon"}));
    const bool is_minmse = values_.method.scalar == "MinMSE";
    // The mean of powers of two is none.
    const bool is_float = values_.method.scalar == "MinMax" && !IsPowerOfTwo(values_);
    const bool is_modal = is_minmse && most_common;
    const ConfigNode* moving = Option("CalibMovingAverage");
    const bool is_mean = is_float && moving != nullptr && AsBool(*moving);
    const ConfigNode* said = is_modal ? mode : is_mean ? moving : nullptr;
    Set(object, "calib_statistic_method",
        is_modal  ? "modal"
        : is_mean ? "mean"
                  : "all",
        said == nullptr ? ConfigPlace{} : said->place);
    if (is_mean && tell)
      context_.Warn(moving->place,
                    "CalibMovingAverage: extremes of samples are averaged with equal weights");
  }

  // Methods whose scales are never powers of two.
  void Histogram(ConfigNode& object, const std::string& method, bool tell) {
    if (tell && IsPowerOfTwo(values_))
      context_.Warn(values_.scale_type.place,
                    fmt::format("scales are float with {}, as with the vendor's tool", method));
    const bool layerwise = method == "LayerwisePercentile";
    SetScale(object,
             method == "Entropy" ? "entropy"
             : layerwise         ? "mse"
                                 : "percentile",
             false, values_);
    if (method == "Percentile") {
      const ConfigNode* share = Option("Percentile");
      Set(object, "percentage", share == nullptr ? kDefaultPercentage : share->scalar,
          share == nullptr ? values_.method.place : share->place);
    } else if (tell && layerwise) {
      context_.Warn(
          values_.method.place,
          "LayerwisePercentile: of all thresholds that of least squared error holds, tensor by "
          "tensor, not the best of a few percentiles");
    } else if (tell && method == "Distribution") {
      context_.problems.Add(values_.method.place,
                            "calibration_method is 'Distribution', which is for 8-bit floats, "
                            "expected MinMax, MinMSE, Percentile, Entropy or LayerwisePercentile");
    }
  }

  void Weights(ConfigNode& object) {
    Common(object, weights_, "std_round");
    const ConfigNode* option = Option("WeightCalibrateMethod");
    const std::string asked =
        option == nullptr ? "" : option->scalar.substr(option->scalar.rfind('.') + 1);
    if (option != nullptr && asked != "MinMax" && asked != "MinMSE")
      context_.problems.Add(option->place, fmt::format("WeightCalibrateMethod is '{}', expected "
                                                       "MinMax or MinMSE",
                                                       option->scalar));
    const std::string& method = values_.method.scalar;
    if (!IsPowerOfTwo(weights_)) {
      const bool mse = weights_.method.scalar == "MinMSE" || asked == "MinMSE";
      SetScale(object, mse ? "mse" : "maxmin", false, weights_);
      if (option != nullptr) ChildOf(object, "method").place = option->place;
    } else {
      // The vendor's tool takes the method of the activations, which has no power-of-two form.
      if (method != "MinMSE" && method != "MinMax" && !method.empty())
        context_.Warn(
            weights_.scale_type.place,
            fmt::format("scale_type PowerOf2 of weights with {}: the weights take MinMax", method));
      SetScale(object, method == "MinMSE" ? "diffs" : "maxmin", true, weights_);
    }
    const std::string& granularity = weights_.granularity.scalar;
    Set(object, "per_channel", granularity == "Channel" ? "true" : "false",
        weights_.granularity.place);
    if (granularity == "Group")
      context_.Warn(weights_.granularity.place,
                    "quant_granularity Group is one scale per tensor, as with the vendor's tool");
  }

  void Bias(ConfigNode& object) {
    object = MapNode(root_.place);
    const ConfigNode* wide = Option("Int32Bias");
    const ConfigNode* half = Option("Int16Bias");
    const ConfigNode* on = Option("QuantizeBias");
    Set(object, "datatype", IsOn("QuantizeBias", true) ? "int" : "float32",
        on == nullptr ? ConfigPlace{} : on->place);
    const bool is_half = half != nullptr && AsBool(*half);
    // Int16Bias wins over Int32Bias.
    const ConfigNode* said = is_half ? half : wide;
    Set(object, "bit_width",
        is_half                       ? "16"
        : IsOn("Int32Bias", !on_npu_) ? "32"
                                      : "8",
        said == nullptr ? ConfigPlace{} : said->place);
    Set(object, "round_mode", on_npu_ ? "std_round" : "half_even");
    Set(object, "symmetry", "true");
    Set(object, "signed", "true");
    Set(object, "per_channel", "false");
    // The DPU's limits ask for it, whatever the weights have.
    const bool pof2 = IsPowerOfTwo(weights_) || on_npu_;
    Set(object, "method", pof2 && values_.method.scalar == "MinMSE" ? "diffs" : "maxmin");
    Set(object, "scale_type", pof2 ? "poweroftwo" : "float");
  }

  void Layers(ConfigNode& out, ConfigNode& tensors) {
    ConfigNode layers;
    layers.kind = Kind::kSequence;
    layers.place = root_.place;
    // First: entries of the file come behind it and win.
    if (IsOn("MatMulConstBOnly", false))
      AddLayerEntry(layers, "layer_type", WordNode("matmul", Option("MatMulConstBOnly")->place),
                    "float32");
    // Before the entries of the file, which win.
    AddQuarkSelection(root_, values_, context_, out, layers);
    if (IsOn("UseMatMulNBits", false)) {
      const ConfigNode word = WordNode("MatMul", Option("UseMatMulNBits")->place);
      AddQuarkBlocks(root_, context_, out, tensors);
      AddLayerEntry(layers, "layer_type", word, "int");
    }
    AddQuarkLayers(root_, context_, layers);
    if (!layers.items.empty()) ChildOf(out, "layer_quantize_config") = std::move(layers);
  }

  void Options(ConfigNode& out) {
    Copy(Option("ConvertOpsetVersion"), out, "onnx_opset_version");
    Copy(Option("ReplaceClip6Relu"), out, "convert_relu6_to_relu");
    Copy(Option("AlignConcat"), out, "change_concat_input_fix");
    Copy(Option("AlignPool"), out, "change_pool_input_fix");
    for (const auto& [option, key] :
         {std::pair{"CalibDataSize", "max_samples"}, std::pair{"CalibWorkerNum", "workers"}}) {
      const ConfigNode* value = Option(option);
      if (value == nullptr) continue;
      ConfigNode& calibration = ChildOf(out, "calibration");
      if (calibration.entries.empty()) calibration = MapNode(root_.place);
      ChildOf(calibration, key) = *value;
    }
    Mode(out);
    Forms(out);
    if (const ConfigNode* only = Option("WeightsOnly"); only != nullptr && AsBool(*only)) {
      if (FindValue(out, "scheme") == nullptr) Set(out, "scheme", "weight-only", only->place);
    }
    const ConfigNode* external = FindValue(root_, "use_external_data_format");
    if (external != nullptr && AsBool(*external))
      context_.Warn(
          external->place,
          "use_external_data_format true: one file is written, --external-data writes two");
  }

  // Asked for by SimulateDPU, or by one of them alone unless SimulateDPU is false.
  void Forms(ConfigNode& out) {
    constexpr std::pair<const char*, const char*> kForms[] = {
        {"ConvertLeakyReluToDPUVersion", "leaky_relu"},
        {"ConvertHardSigmoidToDPUVersion", "hard_sigmoid"},
        {"ConvertSigmoidToHardSigmoid", "sigmoid"},
        {"ConvertAvgPoolToDPUVersion", "average_pool"}};
    const bool all = IsOn("SimulateDPU", false);
    if (!IsOn("SimulateDPU", true)) return;
    ConfigNode list;
    list.kind = Kind::kSequence;
    for (const auto& [option, form] : kForms) {
      if (!IsOn(option, all)) continue;
      const ConfigNode* own = Option(option);
      list.items.push_back(WordNode(form, (own != nullptr ? own : Option("SimulateDPU"))->place));
    }
    if (list.items.empty()) return;
    list.place = list.items[0].place;
    ChildOf(out, "dpu_forms") = std::move(list);
  }

  // Of the passes of Microsoft's Olive, which have Quark's keys.
  void Mode(ConfigNode& out) {
    const ConfigNode* mode = FindValue(root_, "quant_mode");
    if (mode != nullptr && FindValue(out, "scheme") == nullptr)
      Set(out, "scheme", mode->scalar, mode->place);
    const ConfigNode* at_run_time = FindValue(root_, "use_dynamic_quant");
    if (at_run_time != nullptr && AsBool(*at_run_time) && FindValue(out, "scheme") == nullptr)
      Set(out, "scheme", "dynamic", at_run_time->place);
    const ConfigNode* format = FindValue(root_, "quant_format");
    if (format != nullptr && !format->scalar.ends_with("QDQ"))
      context_.Warn(format->place, fmt::format("quant_format {}: QDQ is written", format->scalar));
  }

  const ConfigNode& root_;
  ReadContext& context_;
  QuarkTensor values_;  // of global_config
  QuarkTensor weights_;
  bool on_npu_ = false;
};

}  // namespace

std::vector<std::string> QuarkOverridePath(const std::string& key) {
  std::vector<std::string> path = SplitList(key, '.');
  if (QuarkTable().Find(path[0]) != nullptr) return path;
  if (QuarkOptionTable().Find(key) != nullptr) return {"extra_options", key};
  return {};
}

ConfigNode TranslateQuark(const ConfigNode& root, ReadContext& context) {
  return Translator(root, context).Translate();
}

}  // namespace qconvert

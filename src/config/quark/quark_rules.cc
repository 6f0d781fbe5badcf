// What of Quark's settings does not go together. Source: AMD Quark, quark/onnx/quantization/config
// and the appendix of its full configuration.
#include <array>

#include "qconvert/config/any_settings.h"
#include "quark/quark.h"

namespace qconvert {
namespace {

using Kind = SettingRule::Kind;
using C = const QuantConfig&;

constexpr std::string_view kAtRunTime = "ranges are taken before or at run time, not both";

constexpr SettingRule kRows[] = {
    {Kind::kContradiction, "use_dynamic_quant", "true", "quant_mode", "static", kAtRunTime},
    {Kind::kContradiction, "use_dynamic_quant", "false", "quant_mode", "dynamic", kAtRunTime},
    {Kind::kContradiction, "use_dynamic_quant", "true", "scheme", "!dynamic"},
    {Kind::kContradiction, "quant_mode", "dynamic", "scheme", "!dynamic"},
    {Kind::kContradiction, "quant_mode", "static", "scheme", "dynamic"},
    {Kind::kContradiction, "extra_options.WeightsOnly", "true", "use_dynamic_quant", "true"},
    {Kind::kContradiction, "extra_options.WeightsOnly", "true", "quant_mode", "dynamic"},
    {Kind::kContradiction, "extra_options.WeightsOnly", "true", "scheme", "!weight-only"},
    {Kind::kContradiction, "extra_options.UseMatMulNBits", "true", "use_dynamic_quant", "true"},
    {Kind::kContradiction, "extra_options.UseMatMulNBits", "true", "quant_mode", "dynamic"},
    {Kind::kContradiction, "extra_options.UseMatMulNBits", "true", "scheme", "dynamic"},
    {Kind::kIdle, "extra_options.Int32Bias", "true", "extra_options.Int16Bias", "true"},
    {Kind::kIdle, "extra_options.Int32Bias", "true", "extra_options.QuantizeBias", "false"},
    {Kind::kIdle, "extra_options.Int16Bias", "true", "extra_options.QuantizeBias", "false"},
    {Kind::kIdle, "extra_options.MatMulNBitsParams", {}, "extra_options.UseMatMulNBits", "false"},
    {Kind::kIdle, "extra_options.EnableNPUCnn", "true", "target_device", "!DPU"},
    {Kind::kIdle, "extra_options.EnableNPUCnn", "false", "target_device", "DPU"},
    {.kind = Kind::kIdle,
     .key = "extra_options.CalibMovingAverage",
     .value = "true",
     .why = "it is of calibration_method MinMax with float scales",
     .when = [](C config) { return config.tensors.activation.statistic != BatchStatistic::kMean; }},
    {.kind = Kind::kIdle,
     .key = "extra_options.Percentile",
     .why = "it is of calibration_method Percentile",
     .when =
         [](C config) {
           return !AnySettings(config, [](const NodeSettings& of) {
             return of.input.method == CalibrationMethod::kPercentile ||
                    of.activation.method == CalibrationMethod::kPercentile;
           });
         }},
    {.kind = Kind::kIdle,
     .key = "extra_options.MinMSEModePof2Scale",
     .value = "MostCommon",
     .why = "it is of calibration_method MinMSE",
     .when =
         [](C config) { return config.tensors.activation.statistic != BatchStatistic::kModal; }},
    {.kind = Kind::kIdle,
     .key = "extra_options.WeightCalibrateMethod",
     .why = "weights with power-of-two scales take the method of the values",
     .when = [](C config) { return config.tensors.weights.scale_type == ScaleType::kPowerOfTwo; }},
    {.kind = Kind::kIdle,
     .key = "extra_options.ConvertLeakyReluToDPUVersion",
     .value = "true",
     .beside = "extra_options.SimulateDPU",
     .beside_value = "false",
     .written = true},
    {.kind = Kind::kIdle,
     .key = "extra_options.ConvertHardSigmoidToDPUVersion",
     .value = "true",
     .beside = "extra_options.SimulateDPU",
     .beside_value = "false",
     .written = true},
    {.kind = Kind::kIdle,
     .key = "extra_options.ConvertSigmoidToHardSigmoid",
     .value = "true",
     .beside = "extra_options.SimulateDPU",
     .beside_value = "false",
     .written = true},
    {.kind = Kind::kIdle,
     .key = "extra_options.ConvertAvgPoolToDPUVersion",
     .value = "true",
     .beside = "extra_options.SimulateDPU",
     .beside_value = "false",
     .written = true},
    {.kind = Kind::kIdle,
     .key = "extra_options.ConvertReduceMeanToDPUVersion",
     .value = "true",
     .why = "ReduceMean follows ConvertAvgPoolToDPUVersion",
     .when = [](C config) { return !config.dpu_forms.average_pool; }},
};

}  // namespace

std::span<const SettingRules> RulesOfQuark() {
  static const std::array<SettingRules, 2> rules = {SettingRules{"", RulesOfOurKeys()},
                                                    SettingRules{"", kRows}};
  return rules;
}

}  // namespace qconvert

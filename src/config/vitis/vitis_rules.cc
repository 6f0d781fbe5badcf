// What of the Vitis language does not go together. The vendor's tool passes over what is idle; most
// rows are of our own keys, which it does not know.
#include <algorithm>
#include <array>

#include "qconvert/config/any_settings.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

using Kind = SettingRule::Kind;
using C = const QuantConfig&;

constexpr std::string_view kFloatSchemes = "dynamic|weight-only";
constexpr std::string_view kAtRunTime = "weights of nodes that are quantized at run time stay";
constexpr std::string_view kNoRanges = "values have no ranges of their own there";

bool IsFloatScheme(C config) {
  return config.scheme == Scheme::kDynamic || config.scheme == Scheme::kWeightOnly;
}

// Whether `predicate` holds for settings of values that samples give ranges for.
template <typename Predicate>
bool AnyValue(C config, const Predicate& predicate) {
  const auto fits = [&](const TensorSettings& one) { return one.is_int() && predicate(one); };
  return AnySettings(
             config,
             [&](const NodeSettings& of) { return fits(of.input) || fits(of.activation); }) ||
         std::any_of(config.values.begin(), config.values.end(),
                     [&](const ValueSettings& one) { return fits(one.settings); });
}

bool HasOwnRounding(const TensorSettings& one) { return one.round_mode != RoundMode::kHalfEven; }

bool GoesByBatches(const TensorSettings& one) {
  return one.method == CalibrationMethod::kMovingAverageAbsMax ||
         one.method == CalibrationMethod::kRangeAbsMax || one.statistic != BatchStatistic::kAll;
}

constexpr SettingRule kRows[] = {
    {Kind::kIdle, "include_bias_corr", "true", "scheme", kFloatSchemes,
     "biases of integer kernels alone are corrected"},
    {Kind::kIdle, "second_order_rounding", "true", "scheme", "dynamic", kAtRunTime},
    {Kind::kIdle, "include_fast_ft", "true", "scheme", "dynamic", kAtRunTime},
    {Kind::kIdle, "learned_clipping", "true", "scheme", kFloatSchemes, kNoRanges},
    {Kind::kIdle, "absorb_biases", "true", "scheme", kFloatSchemes, kNoRanges},
    {Kind::kIdle, "change_concat_input_fix", "true", "scheme", kFloatSchemes, kNoRanges},
    {Kind::kIdle, "change_pool_input_fix", "true", "scheme", kFloatSchemes, kNoRanges},
    {Kind::kIdle, "keep_add_layer_accuracy", "true", "scheme", kFloatSchemes,
     "Add stays float there"},
    {.kind = Kind::kIdle,
     .key = "exact_rounding",
     .value = "true",
     .why = "no value with a range has another round_mode than half_even",
     .when = [](C config) { return IsFloatScheme(config) || !AnyValue(config, HasOwnRounding); }},
    {.kind = Kind::kNote,
     .key = "tensor_quantize_config.input",
     .why = "schemes dynamic and weight-only give values no ranges",
     .when = [](C config) { return IsFloatScheme(config) && config.tensors.input.is_int(); }},
    {.kind = Kind::kNote,
     .key = "tensor_quantize_config.activation",
     .why = "schemes dynamic and weight-only give values no ranges",
     .when = [](C config) { return IsFloatScheme(config) && config.tensors.activation.is_int(); }},
    {Kind::kIdle, "equalize_clips", "true", "include_cle", "false"},
    {Kind::kIdle, "extensions", "true", "compat", "vitis",
     "with the vendor's numbers nothing of ours is allowed"},
    {.kind = Kind::kIdle,
     .key = "calibration.batch_size",
     .why = "no range has a method or calib_statistic_method that goes by batches",
     .when = [](C config) { return IsFloatScheme(config) || !AnyValue(config, GoesByBatches); }},
    {Kind::kIdle,
     "calibration.calib_transforms",
     {},
     "calibration.format",
     "npy|bin",
     "pictures alone are transformed"},
    {Kind::kIdle, "fast_finetune.num_iterations", {}, "fast_finetune.num_epochs"},
    {Kind::kIdle,
     "fast_finetune.fixed_seed",
     {},
     "fast_finetune.drop_ratio",
     "0|0.0|1|1.0",
     "nothing is left to chance"},
};

}  // namespace

std::span<const SettingRules> RulesOfVitis() {
  static const std::array<SettingRules, 2> rules = {SettingRules{"", RulesOfOurKeys()},
                                                    SettingRules{"", kRows}};
  return rules;
}

}  // namespace qconvert

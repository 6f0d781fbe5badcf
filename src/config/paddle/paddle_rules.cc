// What of Paddle's settings does not go together: quant_post_static refuses keys that it does not
// know, quant_aware passes over them. Source: PaddleSlim, paddleslim/quant/quanter.py.
#include <array>

#include "paddle/paddle.h"
#include "qconvert/config/any_settings.h"

namespace qconvert {
namespace {

using Kind = SettingRule::Kind;
using C = const QuantConfig&;
using M = CalibrationMethod;

constexpr std::string_view kLearned = "lsq_act|lsqplus_act";
constexpr std::string_view kPostTraining =
    "quant_post_static finds thresholds by it, training learns them";

template <typename Predicate>
bool NoTensor(C config, const Predicate& predicate) {
  return !AnySettings(config, [&](const NodeSettings& of) {
    return predicate(of.weights) || predicate(of.activation);
  });
}

bool HasNoMethod(C config, M method) {
  return NoTensor(config, [&](const TensorSettings& one) { return one.method == method; });
}

constexpr SettingRule kRows[] = {
    {Kind::kContradiction, "use_pact", "false", "activation_preprocess_type", "PACT"},
    {Kind::kContradiction, "use_pact", "false", "weight_preprocess_type", "PACT"},
    {Kind::kContradiction, "use_pact", "false", "name", "pact"},
    {Kind::kContradiction, "use_pact", "true", "name", "quant"},
    {Kind::kContradiction, "use_pact", "true", "activation_preprocess_type", "None"},
    {Kind::kContradiction, "name", "quant", "activation_preprocess_type", "PACT"},
    {Kind::kContradiction, "name", "pact", "activation_preprocess_type", "None"},
    {Kind::kContradiction, "algo", {}, "activation_preprocess_type", "PACT", kPostTraining},
    {Kind::kContradiction, "algo", {}, "weight_preprocess_type", "PACT", kPostTraining},
    {Kind::kContradiction, "algo", {}, "use_pact", "true", kPostTraining},
    {Kind::kContradiction, "algo", {}, "name", "pact", kPostTraining},
    {Kind::kContradiction, "algo", {}, "activation_quantize_type", kLearned, kPostTraining},
    {Kind::kContradiction,
     "activation_quantizer",
     {},
     "activation_preprocess_type",
     "PACT",
     kPostTraining},
    {Kind::kContradiction, "activation_quantizer", {}, "use_pact", "true", kPostTraining},
    {Kind::kContradiction, "activation_quantizer", {}, "name", "pact", kPostTraining},
    {Kind::kIdle, "activation_quantize_type", "!lsq_act|lsqplus_act", "algo"},
    {Kind::kIdle, "activation_quantize_type", {}, "activation_quantizer"},
    {.kind = Kind::kIdle,
     .key = "moving_rate",
     .why = "no tensor has type moving_average_abs_max",
     .when = [](C config) { return HasNoMethod(config, M::kMovingAverageAbsMax); }},
    {.kind = Kind::kIdle,
     .key = "window_size",
     .why = "no tensor has type range_abs_max",
     .when = [](C config) { return HasNoMethod(config, M::kRangeAbsMax); }},
    {.kind = Kind::kIdle,
     .key = "hist_percent",
     .why = "algo is not hist",
     .when = [](C config) { return HasNoMethod(config, M::kPercentile); }},
    {.kind = Kind::kIdle,
     .key = "batch_size",
     .why = "without batch_nums all samples are taken",
     .when = [](C config) { return config.calibration.max_samples == 0; }},
    {Kind::kIdle, "quantizable_layer_type", {}, "is_full_quantize", "true"},
};

}  // namespace

std::span<const SettingRules> RulesOfPaddle() {
  static constexpr std::array<SettingRules, 1> rules = {SettingRules{"", kRows}};
  return rules;
}

}  // namespace qconvert

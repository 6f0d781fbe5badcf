// Settings that do not go together: the Vitis language, and the rows of all.
#include "setting_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "dialect.h"
#include "support/read_config.h"
#include "support/rule_cases.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kVitis =
    "target_device: CPU\nextensions: true\nscale_type: float\nmethod: maxmin\nround_mode: "
    "half_even\ncalib_statistic_method: all\n";

TEST(SettingRulesTest, WhatTheVitisLanguageLeavesWithoutEffect) {
  const std::string cpu = kVitis;
  std::vector<RuleCase> cases;
  const auto add = [&](const std::string& key, const std::string& scheme, const char* other) {
    cases.push_back({cpu + "scheme: " + scheme + "\n" + key + ": true\n",
                     "c.yaml:8:" + std::to_string(key.size() + 3) + ": " + key +
                         " has no effect with scheme " + scheme + " (c.yaml:7:9)",
                     cpu + "scheme: " + other + "\n" + key + ": true\n"});
  };
  for (const char* key :
       {"include_bias_corr", "learned_clipping", "absorb_biases", "change_concat_input_fix",
        "change_pool_input_fix", "keep_add_layer_accuracy"}) {
    for (const char* scheme : {"dynamic", "weight-only"}) add(key, scheme, "auto");
  }
  for (const char* key : {"second_order_rounding", "include_fast_ft"})
    add(key, "dynamic", "weight-only");
  cases.insert(
      cases.end(),
      {{cpu + "objective: speed\n",
        "objective has no effect: scheme auto of target CPU alone weighs time",
        cpu + "scheme: auto\nobjective: speed\n"},
       {cpu + "objective: speed\n", "c.yaml:7:12:", cpu + "objective: size\n"},
       {"target_device: DPU\nscheme: auto\nobjective: speed\n",
        "c.yaml:3:12: objective has no effect", cpu + "scheme: auto\nobjective: speed\n"},
       {"target_device: DPU\nprocessor: vnni\n",
        "c.yaml:2:12: processor has no effect: kernels are chosen for target CPU alone",
        cpu + "processor: vnni\n"},
       {cpu + "scheme: dynamic\neffort: high\n", "effort has no effect",
        cpu + "scheme: weight-only\neffort: high\n"},
       {cpu + "exact_rounding: true\n", "exact_rounding has no effect: no value with a range",
        cpu + "exact_rounding: true\ntensor_quantize_config: {activation: {round_mode: "
              "half_up}}\n"},
       {cpu + "equalize_clips: true\ninclude_cle: false\n",
        "equalize_clips has no effect with include_cle false (c.yaml:8:14)",
        cpu + "equalize_clips: true\n"},
       {"target_device: DPU\nextensions: true\ncompat: vitis\n",
        "extensions has no effect with compat vitis", "target_device: DPU\nextensions: true\n"},
       {cpu + "calibration: {batch_size: 8}\n", "batch_size has no effect: no range has a method",
        "target_device: DPU\ncalibration: {batch_size: 8}\n"},
       {"target_device: CPU\nscheme: weight-only\ncalibration: {batch_size: 8}\n",
        "batch_size has no effect: no range", ""},
       {cpu + "calibration: {batch_size: 8}\n",
        "c.yaml:7:27:", cpu + "calibration: {batch_size: 1}\n"},
       {cpu + "calibration: {format: npy, calib_transforms: [{color: bgr}]}\n",
        "calib_transforms has no effect with format npy",
        cpu + "calibration: {format: picture, calib_transforms: [{color: bgr}]}\n"},
       {cpu + "include_fast_ft: true\nfast_finetune: {num_iterations: 5, num_epochs: 2}\n",
        "num_iterations has no effect with num_epochs 2",
        cpu + "include_fast_ft: true\nfast_finetune: {num_iterations: 5}\n"},
       {cpu + "include_fast_ft: true\nfast_finetune: {fixed_seed: 5}\n",
        "fixed_seed has no effect with drop_ratio 1 (the default): nothing is left to chance",
        cpu + "include_fast_ft: true\nfast_finetune: {fixed_seed: 5, drop_ratio: 0.5}\n"},
       {cpu + "include_fast_ft: true\nfast_finetune: {fixed_seed: 5, drop_ratio: 0}\n",
        "fixed_seed has no effect with drop_ratio 0", ""}});
  ExpectWarnings(cases);
}

// --print-config writes them, whatever the scheme: an info, not a warning of its own output.
TEST(SettingRulesTest, ValuesWithoutRangesAreAnInfo) {
  const std::string cpu = kVitis;
  const auto infos = [&](const std::string& more) { return LoadText(cpu + more).infos; };
  EXPECT_TRUE(
      AnyHolds(infos("scheme: dynamic\ntensor_quantize_config: {activation: {bit_width: 8}}\n"),
               "c.yaml:8:38: activation has no effect: schemes dynamic and weight-only"));
  EXPECT_TRUE(
      AnyHolds(infos("scheme: weight-only\ntensor_quantize_config: {input: {bit_width: 8}}\n"),
               "input has no effect"));
  EXPECT_THAT(infos("scheme: dynamic\ntensor_quantize_config: {activation: {datatype: float32}}\n"),
              IsEmpty());
  EXPECT_THAT(infos("tensor_quantize_config: {input: {bit_width: 8}}\n"), IsEmpty());
}

// Nor is what they say of types that are not listed.
TEST(SettingRulesTest, TypesThatSayThatTheyStayFloatAreNotTold) {
  const std::string listed = "target_device: CPU\nquantizable_data_type: [weights]\n";
  const auto with = [&](const std::string& parameters) {
    return LoadText(listed + "tensor_quantize_config: {input: {" + parameters + "}}\n").warnings;
  };
  EXPECT_THAT(with("datatype: float32"), IsEmpty());
  EXPECT_TRUE(AnyHolds(with("bit_width: 16"), "input is not in quantizable_data_type"));
  EXPECT_TRUE(AnyHolds(with("datatype: float32, bit_width: 8"), "is not in quantizable_data_type"));
  EXPECT_THAT(LoadText(PrintConfig(LoadText(listed).effective)).warnings, IsEmpty());
}

TEST(SettingRulesTest, ParametersThatMeanNothingWithOthers) {
  const std::string cpu = kVitis;
  ExpectWarnings({
      {cpu + "percentage: 99.9\n",
       "c.yaml:7:13: percentage has no effect with method maxmin "
       "(c.yaml:4:9)",
       cpu + "tensor_quantize_config: {activation: {method: percentile, percentage: 99.9}}\n"},
      {"target_device: DPU\npercentage: 99.9\n",
       "percentage has no effect with method diffs (the default)", ""},
      {cpu + "tensor_quantize_config: {activation: {method: range_abs_max, percentage: 99.9, "
             "moving_rate: 0.5}}\n",
       "percentage, moving_rate have no effect with method range_abs_max (c.yaml:7:47)",
       cpu + "tensor_quantize_config: {activation: {method: range_abs_max, window_size: 5}}\n"},
      {cpu + "window_size: 5\n", "window_size has no effect with method maxmin", ""},
      {cpu + "tensor_quantize_config: {activation: {block_size: 32}}\n",
       "c.yaml:7:51: block_size has no effect on activation: weights alone have blocks",
       cpu + "per_channel: false\nblock_size: 32\n"},
      {cpu + "tensor_quantize_config: {activation: {method: moving_average_abs_max, "
             "calib_statistic_method: max}}\n",
       "calib_statistic_method has no effect with method moving_average_abs_max",
       cpu + "tensor_quantize_config: {activation: {method: moving_average_abs_max}}\n"},
      {cpu + "symmetry: false\nsigned: true\n",
       "c.yaml:8:9: signed has no effect with symmetry false (c.yaml:7:11)",
       cpu + "symmetry: false\nsigned: false\n"},
      {cpu + "symmetry: false\nnarrow_range: true\n", "narrow_range has no effect with symmetry",
       cpu + "symmetry: false\nsigned: true\nnarrow_range: true\ntensor_quantize_config: {weights: "
             "{symmetry: true}}\n"},
      {cpu + "signed: false\nnarrow_range: true\n", "narrow_range has no effect with signed false",
       cpu + "narrow_range: true\n"},
      {cpu + "tensor_quantize_config: {weights: {calib_statistic_method: max}}\n",
       "c.yaml:7:60: calib_statistic_method has no effect on weights", cpu},
      {"target_device: CPU\noverall_quantize_config: {datatype: bfloat16, bit_width: 8, method: "
       "maxmin}\n",
       "c.yaml:2:58: bit_width, method have no effect with datatype bfloat16 (c.yaml:2:37)",
       "target_device: CPU\noverall_quantize_config: {datatype: bfloat16}\n"},
      {cpu + "value_quantize_config: [{value: a, range: [0, 1], method: mse}]\n",
       "method has no effect with range",
       cpu + "value_quantize_config: [{value: a, range: [0, 1]}]\n"},
      {cpu + "value_quantize_config: [{value: a, bit_width: 8}, {value: a, bit_width: 16}]\n",
       "c.yaml:7:59: 'a' has an entry already, at c.yaml:7:33; this one holds",
       cpu + "value_quantize_config: [{value: a}, {value: b}]\n"},
  });
}

// What a level hands on may act in another one.
TEST(SettingRulesTest, AParameterThatActsSomewhereIsNotIdle) {
  const std::string layer = std::string(kVitis) +
                            "percentage: 99.9\nlayer_quantize_config: [{layer_name: a, "
                            "tensor_quantize_config: {activation: {method: percentile, percentage: "
                            "99.9}}}]\n";
  EXPECT_TRUE(AnyHolds(LoadText(layer).warnings, "c.yaml:7:13: percentage has no effect"))
      << "the entry has one of its own";
  const std::string types =
      std::string(kVitis) +
      "tensor_quantize_config: {activation: {symmetry: false}}\nsigned: true\n";
  EXPECT_FALSE(AnyHolds(LoadText(types).warnings, "signed has")) << "weights are symmetric";
}

TEST(SettingRulesTest, PrintedSettingsBringNoNewWarnings) {
  for (const std::string more :
       {"symmetry: false\n", "symmetry: false\nsigned: true\n", "datatype: bfloat16\n",
        "value_quantize_config: [{value: a, range: [0, 1], method: mse}]\n",
        "tensor_quantize_config: {activation: {method: moving_average_abs_max}}\n",
        "scheme: weight-only\n", "scheme: dynamic\n"}) {
    const LoadedConfig first = LoadText(kVitis + more);
    const LoadedConfig again = LoadText(PrintConfig(first.effective));
    EXPECT_EQ(again.config, first.config) << more;
    EXPECT_LE(again.warnings.size(), first.warnings.size())
        << more << testing::PrintToString(again.warnings);
  }
}

TEST(SettingRulesTest, TypesOfOperatorsThatLookMisspelt) {
  const std::string cpu = kVitis;
  ExpectProblems({
      {cpu + "layer_quantize_config: [{layer_name: a, of_types: [Convv]}]\n",
       "c.yaml:7:52: layer_quantize_config[0]: unknown type in of_types 'Convv', did you mean",
       cpu + "layer_quantize_config: [{layer_name: a, of_types: [Conv, OwnThing]}]\n"},
      {cpu + "include_fast_ft: true\nfast_finetune: {target_op_type: [Gemmm]}\n",
       "c.yaml:8:34: unknown target_op_type 'Gemmm', did you mean 'Gemm'?",
       cpu + "include_fast_ft: true\nfast_finetune: {target_op_type: [Gemm]}\n"},
      {cpu + "onnx_opset_version: 99\n", "onnx_opset_version is '99', expected a whole number",
       cpu + "onnx_opset_version: 21\n"},
  });
}

// Rows speak of keys that there are, and say no two things of one pair.
TEST(SettingRulesTest, RowsAreOfKeysInTheTables) {
  for (const Dialect& dialect : Dialects()) {
    std::set<std::string> pairs;
    for (const auto& [section, rows] : dialect.rules()) {
      for (const SettingRule& rule : rows) {
        EXPECT_NE(rule.beside.empty(), rule.when == nullptr) << rule.key;
        EXPECT_TRUE(rule.when == nullptr || !rule.why.empty()) << rule.key;
        const std::string pair = std::string(rule.key) + " " + std::string(rule.value) + " " +
                                 std::string(rule.beside) + " " + std::string(rule.beside_value);
        EXPECT_TRUE(pairs.insert(rule.when == nullptr ? pair : pair + std::string(rule.why)).second)
            << pair;
        for (std::string path : {std::string(rule.key), std::string(rule.beside)}) {
          if (path.empty()) continue;
          if (!section.empty()) path = std::string(section) + "." + path;
          const SettingTable* table = &dialect.table();
          for (size_t at = 0; at != std::string::npos && table != nullptr;) {
            const size_t point = path.find('.', at);
            const Setting* setting = table->Find(path.substr(at, point - at));
            EXPECT_NE(setting, nullptr) << dialect.name << ": " << path;
            table = setting == nullptr ? nullptr : setting->object;
            at = point == std::string::npos ? point : point + 1;
          }
        }
      }
    }
    EXPECT_FALSE(pairs.empty()) << dialect.name;
    EXPECT_THAT(MarkdownOfRules(dialect.rules()), HasSubstr("| setting | beside |"));
  }
}

}  // namespace
}  // namespace qconvert

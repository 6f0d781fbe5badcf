// Settings of Paddle, Quark and Horizon that do not go together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/horizon_text.h"
#include "support/read_config.h"
#include "support/rule_cases.h"

namespace qconvert {
namespace {

using testing::IsEmpty;

TEST(VendorRulesTest, WhatPaddlesToolsDoNotTakeTogether) {
  const std::string pact = "weight_bits: 8\nactivation_preprocess_type: PACT\n";
  ExpectProblems({
      {pact + "use_pact: false\n",
       "c.yaml:3:11: use_pact false and activation_preprocess_type PACT (c.yaml:2:29) exclude each "
       "other",
       pact + "use_pact: true\n"},
      {"weight_bits: 8\nweight_preprocess_type: PACT\nuse_pact: false\n",
       "use_pact false and weight_preprocess_type PACT", "weight_bits: 8\nuse_pact: false\n"},
      {"weight_bits: 8\nactivation_preprocess_type: None\nuse_pact: true\n",
       "use_pact true and activation_preprocess_type None", "weight_bits: 8\nuse_pact: true\n"},
      {"Slim: {quant: {name: quant, activation_preprocess_type: PACT}}\n",
       "name quant and activation_preprocess_type PACT",
       "Slim: {quant: {name: pact, activation_preprocess_type: PACT}}\n"},
      {"Slim: {quant: {name: pact, use_pact: false}}\n", "use_pact false and name pact",
       "Slim: {quant: {name: pact}}\n"},
      {pact + "algo: KL\n", "c.yaml:3:7: algo KL and activation_preprocess_type PACT (c.yaml:2:29)",
       "weight_bits: 8\nalgo: KL\nactivation_preprocess_type: None\n"},
      {"weight_bits: 8\nalgo: KL\nuse_pact: true\n", "algo KL and use_pact true",
       "weight_bits: 8\nalgo: KL\nuse_pact: false\n"},
      {"weight_bits: 8\nalgo: KL\nactivation_quantize_type: lsq_act\n",
       "algo KL and activation_quantize_type lsq_act", "weight_bits: 8\nalgo: KL\n"},
      {"PTQ: {ptq_config: {activation_quantizer: KLQuantizer, use_pact: true}}\n",
       "activation_quantizer KLQuantizer and use_pact true",
       "PTQ: {ptq_config: {activation_quantizer: KLQuantizer}}\n"},
      {"PTQ: {ptq_config: {activation_quantizer: KLQuantizer, algo: hist}}\n",
       "KLQuantizer is algo KL by another name, which is hist (c.yaml:1:61)",
       "PTQ: {ptq_config: {activation_quantizer: KLQuantizer, algo: KL}}\n"},
      {"PTQ: {ptq_config: {weight_quantizer: AbsmaxQuantizer, weight_quantize_type: "
       "channel_wise_abs_max}}\n",
       "AbsmaxQuantizer is weight_quantize_type abs_max by another name",
       "PTQ: {ptq_config: {weight_quantizer: AbsmaxQuantizer, weight_quantize_type: abs_max}}\n"},
      {"QAT: {quant_config: {weight_bits: 8}}\nPTQ: {ptq_config: {weight_bits: 8}}\n",
       "c.yaml:2:19: PTQ.ptq_config and QAT.quant_config (c.yaml:1:21) exclude each other",
       "QAT: {quant_config: {weight_bits: 8}}\nPTQ: null\n"},
  });
}

TEST(VendorRulesTest, PaddlesSectionsAndSwitchesHaveTypes) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"QAT: 5\nepoch: 3\n", "c.yaml:1:6: QAT is '5', expected a map"},
           {"QAT: {quant_config: [8]}\n", "quant_config is 'a list', expected a map"},
           {"quant_config: yes\n", "quant_config is 'yes', expected a map"},
           {"QAT: {weight_bits: 8}\n", "QAT has no quant_config, expected the settings there"},
           {"weight_bits: 8\nuse_pact: 5\n", "use_pact is '5', expected true or false"},
           {"weight_bits: 8\nweight_quantizer: Foo\n", "weight_quantizer is 'Foo'"},
           {"weight_bits: 8\nactivation_quantizer: HistQantizer\n",
            "did you mean 'HistQuantizer'?"},
           {"Slim: {quant: {name: pack}}\n", "name is 'pack', expected pact, quant"}})
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message))
        << text << testing::PrintToString(ProblemsOf(text));
  EXPECT_EQ(LoadText("weight_bits: 8\nnot_quant_pattern: skip\n").config,
            LoadText("weight_bits: 8\nnot_quant_pattern: [skip]\n").config);
  // --set is of the settings, wherever these stand; settings beside them are not.
  const std::string file = "QAT: {quant_config: {weight_bits: 8}}\nactivation_bits: 4\n";
  const LoadedConfig loaded = LoadText(file, {"weight_bits=4"});
  EXPECT_EQ(loaded.config.layers.at(0).tensors.weights.bit_width, 4);
  EXPECT_EQ(loaded.config.layers.at(0).tensors.activation.bit_width, 8);
  EXPECT_TRUE(AnyHolds(loaded.warnings,
                       "c.yaml:2:18: activation_bits has no effect outside of QAT.quant_config"));
}

TEST(VendorRulesTest, WhatPaddlesToolsPassOver) {
  ExpectWarnings({
      {"weight_bits: 8\nalgo: KL\nactivation_quantize_type: range_abs_max\n",
       "activation_quantize_type has no effect with algo KL", "weight_bits: 8\nalgo: KL\n"},
      {"weight_bits: 8\nactivation_quantizer: KLQuantizer\nactivation_quantize_type: "
       "range_abs_max\n",
       "activation_quantize_type has no effect with activation_quantizer", ""},
      {"weight_bits: 8\nactivation_quantize_type: abs_max\nmoving_rate: 0.5\n",
       "moving_rate has no effect: no tensor has type moving_average_abs_max",
       "weight_bits: 8\nmoving_rate: 0.5\n"},
      {"weight_bits: 8\nwindow_size: 5\n", "window_size has no effect: no tensor has type",
       "weight_bits: 8\nwindow_size: 10000\n"},
      {"weight_bits: 8\nalgo: KL\nhist_percent: 0.5\n", "hist_percent has no effect: algo is not",
       "weight_bits: 8\nalgo: hist\nhist_percent: 0.5\n"},
      {"weight_bits: 8\nbatch_size: 5\n", "batch_size has no effect: without batch_nums",
       "weight_bits: 8\nbatch_size: 5\nbatch_nums: 2\n"},
      {"weight_bits: 8\nis_full_quantize: true\nquantizable_layer_type: [Conv2D]\n",
       "quantizable_layer_type has no effect with is_full_quantize true",
       "weight_bits: 8\nis_full_quantize: true\n"},
  });
}

std::string Quark(const std::string& top, const std::string& options = "",
                  const std::string& spec = "Int8Spec") {
  return "global_config: {input_tensors: {spec: " + spec + "}, weight: {spec: " + spec + "}}\n" +
         top + (options.empty() ? "" : "extra_options: {" + options + "}\n");
}

TEST(VendorRulesTest, WhatQuarkCannotDoTogether) {
  ExpectProblems({
      {Quark("quant_mode: static\nuse_dynamic_quant: true\n"),
       "c.yaml:3:20: use_dynamic_quant true and quant_mode static (c.yaml:2:13) exclude each other",
       Quark("quant_mode: dynamic\nuse_dynamic_quant: true\n")},
      {Quark("quant_mode: dynamic\nuse_dynamic_quant: false\n"),
       "use_dynamic_quant false and quant_mode dynamic", Quark("quant_mode: dynamic\n")},
      {Quark("use_dynamic_quant: true\nscheme: static\n"),
       "use_dynamic_quant true and scheme static", Quark("use_dynamic_quant: true\n")},
      {Quark("quant_mode: dynamic\nscheme: weight-only\n"),
       "quant_mode dynamic and scheme weight-only",
       Quark("quant_mode: dynamic\nscheme: dynamic\n")},
      {Quark("quant_mode: static\nscheme: dynamic\n"), "quant_mode static and scheme dynamic",
       Quark("quant_mode: static\nscheme: static\n")},
      {Quark("use_dynamic_quant: true\n", "WeightsOnly: true"),
       "WeightsOnly true and use_dynamic_quant true", Quark("", "WeightsOnly: true")},
      {Quark("quant_mode: dynamic\n", "WeightsOnly: true"),
       "WeightsOnly true and quant_mode dynamic", Quark("quant_mode: static\n")},
      {Quark("scheme: static\n", "WeightsOnly: true"), "WeightsOnly true and scheme static",
       Quark("scheme: weight-only\n", "WeightsOnly: true")},
      {Quark("scheme: auto\n", "WeightsOnly: true"), "WeightsOnly true and scheme auto",
       Quark("scheme: auto\n")},
      {Quark("scheme: dynamic\n", "UseMatMulNBits: true"), "UseMatMulNBits true and scheme dynamic",
       Quark("scheme: weight-only\n", "UseMatMulNBits: true")},
      {Quark("use_dynamic_quant: true\n", "UseMatMulNBits: true"),
       "UseMatMulNBits true and use_dynamic_quant true", Quark("", "UseMatMulNBits: true")},
      {Quark("quant_mode: dynamic\n", "UseMatMulNBits: true"),
       "UseMatMulNBits true and quant_mode dynamic", Quark("", "UseMatMulNBits: false")},
  });
  // Who says so on the command line knows that it wins.
  const LoadedConfig loaded = LoadText(Quark("quant_mode: dynamic\n"), {"scheme=static"});
  EXPECT_EQ(loaded.config.scheme, Scheme::kStatic);
  EXPECT_TRUE(AnyHolds(loaded.warnings,
                       "quant_mode has no effect with scheme static (--set scheme=static)"));
}

TEST(VendorRulesTest, WhatQuarkLeavesWithoutEffect) {
  std::vector<RuleCase> cases = {
      {Quark("", "Int32Bias: true, Int16Bias: true"),
       "Int32Bias has no effect with Int16Bias true (c.yaml:2:45)",
       Quark("", "Int32Bias: false, Int16Bias: true")},
      {Quark("", "QuantizeBias: false, Int16Bias: true"),
       "Int16Bias has no effect with QuantizeBias false", Quark("", "QuantizeBias: false")},
      {Quark("", "QuantizeBias: false, Int32Bias: true"),
       "Int32Bias has no effect with QuantizeBias false", ""},
      {Quark("", "MatMulNBitsParams: {Bits: 4}"),
       "MatMulNBitsParams has no effect with UseMatMulNBits false (the default)", ""},
      {Quark("target_device: CPU\n", "EnableNPUCnn: true"),
       "EnableNPUCnn has no effect with target_device CPU",
       Quark("", "EnableNPUCnn: true", "XInt8Spec")},
      {Quark("target_device: DPU\n", "EnableNPUCnn: false", "XInt8Spec"),
       "EnableNPUCnn has no effect with target_device DPU", ""},
      {Quark("", "CalibMovingAverage: true"),
       "CalibMovingAverage has no effect: it is of calibration_method MinMax",
       Quark("", "CalibMovingAverage: false")},
      {Quark("", "Percentile: 99.9", "XInt8Spec"),
       "Percentile has no effect: it is of calibration_method Percentile",
       Quark("", "Percentile: 99.9")},
      {Quark("", "MinMSEModePof2Scale: MostCommon"),
       "MinMSEModePof2Scale has no effect: it is of calibration_method MinMSE",
       Quark("", "MinMSEModePof2Scale: MostCommon", "XInt8Spec")},
      {Quark("", "WeightCalibrateMethod: MinMSE", "XInt8Spec"),
       "WeightCalibrateMethod has no effect: weights with power-of-two",
       Quark("", "WeightCalibrateMethod: MinMSE")},
      {Quark("", "ConvertReduceMeanToDPUVersion: true"),
       "ConvertReduceMeanToDPUVersion has no effect: ReduceMean follows",
       Quark("", "ConvertReduceMeanToDPUVersion: true, ConvertAvgPoolToDPUVersion: true")},
      {Quark("use_dynamic_quant: true\nalgo_config: [{name: bias_correction}]\n"),
       "c.yaml:3:22: bias_correction has no effect with scheme dynamic (c.yaml:2:20): biases",
       Quark("algo_config: [{name: bias_correction}]\n")},
      {Quark("scheme: weight-only\nalgo_config: [{name: bias_correction}]\n"),
       "bias_correction has no effect with scheme weight-only (c.yaml:2:9)",
       Quark("scheme: weight-only\nalgo_config: [{name: gptq}]\n")},
      {Quark("quant_mode: dynamic\nalgo_config: [{name: cle}, {name: gptq}]\n"),
       "c.yaml:3:35: gptq has no effect with scheme dynamic (c.yaml:2:13): weights of nodes",
       Quark("quant_mode: dynamic\nalgo_config: [{name: cle}]\n")},
      {Quark("algo_config: [{name: adaround}, {name: adaquant}]\n"),
       "c.yaml:2:40: adaquant has no effect, adaround (c.yaml:2:22) stands in front of it", ""},
      {Quark("algo_config: [{name: adaround, early_stop: true}]\n"),
       "early_stop has no effect with adaround", Quark("algo_config: [{name: adaround}]\n")},
      {Quark("algo_config: [{name: cle, cle_steps: 3}]\n"), "cle_steps of cle has no effect", ""},
      {Quark("algo_config: [{name: gptq, bits: 4}]\n"), "bits of gptq has no effect", ""},
      {Quark("", "TensorQuantOverrides: {a: [{rmin: 0}]}"), "rmin has no effect without rmax",
       Quark("", "TensorQuantOverrides: {a: [{rmin: 0, rmax: 1}]}")},
      {Quark("", "TensorQuantOverrides: {a: [{rmin: 0, rmax: 1}, {rmin: 0, rmax: 2}]}"),
       "'a' has a map per channel, the first one speaks for all", ""},
  };
  for (const char* form : {"ConvertLeakyReluToDPUVersion", "ConvertHardSigmoidToDPUVersion",
                           "ConvertSigmoidToHardSigmoid", "ConvertAvgPoolToDPUVersion"})
    cases.push_back({Quark("", "SimulateDPU: false, " + std::string(form) + ": true"),
                     std::string(form) + " has no effect with SimulateDPU false",
                     Quark("", std::string(form) + ": true")});
  ExpectWarnings(cases);
  EXPECT_TRUE(AnyHolds(ProblemsOf(Quark("", "TensorQuantOverrides: {a: [{quant_typ: QInt8}]}")),
                       "unknown key 'quant_typ', did you mean 'quant_type'?"));
}

TEST(VendorRulesTest, WhatHorizonSaysTwiceOfTheModel) {
  const auto with = [](const std::string& text) { return CalibrationText(text); };
  ExpectWarnings({
      {with("  calibration_type: kl\n  max_percentile: 0.9\n"),
       "max_percentile has no effect with calibration_type kl",
       with("  calibration_type: max\n  max_percentile: 0.9\n")},
      {with("  calibration_type: max\n  quant_config: {model_config: {activation: "
            "{calibration_type: kl}}}\n"),
       "calibration_type max has no effect with that of quant_config",
       with("  calibration_type: max\n  quant_config: {model_config: {activation: "
            "{calibration_type: max}}}\n")},
      {with("  calibration_type: max\n  max_percentile: 0.9\n  quant_config: {model_config: "
            "{activation: {calibration_type: max}}}\n"),
       "max_percentile has no effect with the calibration_type of quant_config", ""},
      {with("  optimization: set_all_nodes_int16\n  quant_config: {model_config: {all_node_type: "
            "int8}}\n"),
       "set_all_nodes_int16 has no effect with all_node_type int8",
       with("  optimization: set_all_nodes_int16\n  quant_config: {model_config: {all_node_type: "
            "int16}}\n")},
      {with("  optimization: asymmetric\n  quant_config: {model_config: {activation: {asymmetric: "
            "false}}}\n"),
       "asymmetric has no effect with asymmetric false of activation", ""},
      {with("  quant_config: {model_config: {activation: {calibration_type: kl, max_percentile: "
            "0.9}}}\n"),
       "max_percentile has no effect without calibration_type max",
       with("  calibration_type: max\n  quant_config: {model_config: {activation: {max_percentile: "
            "0.9}}}\n")},
      {with("  quant_config: {model_config: {layerwise_search: {topk: 2, similarity: 0.9}}}\n"),
       "similarity has no effect with topk 2", ""},
      {with("  scheme: weight-only\n  calibration_type: kl\n"),
       "calibration_type has no effect with scheme weight-only", with("  scheme: weight-only\n")},
      {with("  objective: speed\n"), "objective has no effect", with("  scheme: static\n")},
  });
  const LoadedConfig max = LoadText(
      with("  calibration_type: max\n  quant_config: {model_config: {activation: {max_percentile: "
           "0.9}}}\n"));
  EXPECT_EQ(max.config.tensors.activation.percentage, 90) << "of the type that holds";
  ExpectProblems({
      {with("  optimization: set_model_output_int8,set_model_output_int16\n"),
       "outputs of the model are int16 here and int8 elsewhere",
       with("  optimization: set_model_output_int8,set_model_output_int8\n")},
      {with("  optimization: set_model_output_int8\n  quant_config: {model_config: "
            "{model_output_type: int16}}\n"),
       "outputs of the model are int16 here and int8 elsewhere",
       with("  optimization: set_model_output_int8\n  quant_config: {model_config: "
            "{model_output_type: int8}}\n")},
      {with("  optimization: set_Conv_input_int8,set_Conv_input_int16\n"),
       "optimization has int8 and int16 for the input of Conv",
       with("  optimization: set_Conv_input_int8,set_Conv_output_int16\n")},
  });
}

TEST(VendorRulesTest, WhatHorizonSaysTwiceOfANode) {
  const auto info = [](const std::string& text, const std::string& calibration = "") {
    return HorizonSections{.model = "  onnx_model: a.onnx\n  march: nash-e\n" + text,
                           .calibration = calibration}
        .Text();
  };
  ExpectProblems({
      {info("  node_info: Conv_0:int8;Conv_0:int16\n"), "node_info says two things of 'Conv_0'",
       info("  node_info: Conv_0:int16;Conv_0:int16\n")},
      {CalibrationText("  quant_config: {node_config: {a: {qtype: int8, ON: int16}}}\n"),
       "ON is int16, qtype int8",
       CalibrationText("  quant_config: {node_config: {a: {qtype: "
                       "int16, ON: int16}}}\n")},
      {CalibrationText("  quant_config: {node_config: {a: {inputs: [b]}}}\n"),
       "inputs is a key of subgraph_config, not of node_config",
       CalibrationText("  quant_config: {subgraph_config: {a: {inputs: [b], outputs: [c]}}}\n")},
      {CalibrationText("  run_on_bpu: a\n  quant_config: {node_config: {a: {qtype: float32}}}\n"),
       "'a' is float by its entry at",
       CalibrationText("  run_on_bpu: a\n  quant_config: {node_config: {a: {qtype: int16}}}\n")},
      {CalibrationText("  quant_config: none.json\n"),
       "quant_config: ", CalibrationText("  quant_config: {}\n")},
  });
  ExpectWarnings({
      {info("  node_info: Conv_0:int16\n", "  run_on_cpu: Conv_0\n"),
       "run_on_cpu of 'Conv_0' has no effect, node_info (c.yaml:4:14) says something else",
       info("  node_info: Conv_1:int16\n", "  run_on_cpu: Conv_0\n")},
      {info("  node_info: Conv_0:int16\n",
            "  quant_config: {node_config: {Conv_0: {qtype: float32}}}\n"),
       "node_config of 'Conv_0' has no effect, node_info",
       info("  node_info: {Conv_0: {InputType: int16, OutputType: int16}}\n",
            "  quant_config: {node_config: {Conv_0: {qtype: int16}}}\n")},
      {info("", "  run_on_cpu: Conv_0\n  quant_config: {node_config: {Conv_0: {qtype: int16}}}\n"),
       "node_config of 'Conv_0' has no effect, run_on_cpu",
       info("",
            "  run_on_cpu: Conv_0\n  quant_config: {node_config: {Conv_0: {qtype: float32}}}\n")},
      {CalibrationText("  quant_config: {node_config: {a: {qtype: float32, activation: "
                       "{calibration_type: kl}}}}\n"),
       "activation has no effect, 'a' stays float", ""},
  });
  // Both sides of an op type hold.
  const QuantConfig sides =
      LoadText(CalibrationText("  optimization: set_Conv_input_int16,set_Conv_output_int16\n"))
          .config;
  ASSERT_EQ(sides.layers.size(), 1U);
  EXPECT_EQ(sides.layers[0].tensors.input.bit_width, 16);
  EXPECT_EQ(sides.layers[0].tensors.activation.bit_width, 16);
}

}  // namespace
}  // namespace qconvert

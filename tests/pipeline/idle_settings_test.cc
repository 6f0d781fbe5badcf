// Settings that are told to have no effect have none: with and without them, the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dialect.h"
#include "qconvert/loader/onnx_loader.h"
#include "support/conversion_job.h"
#include "support/horizon_text.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

struct IdleCase {
  std::string text;  // with a $ where the setting may stand
  std::string setting;
  std::string told;  // what one of its warnings holds
};

const std::string kCpu =
    "target_device: CPU\nextensions: true\nscale_type: float\nmethod: maxmin\nround_mode: "
    "half_even\ncalib_statistic_method: all\n";

// What every setting of the cases could work on: biases, clamps, poolings, sums, sigmoids, blocks.
GraphBuilder Net() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  b.Random("w1", {8, 3, 3, 3}, 0.3F).Random("b1", {8}).Random("w2", {16, 8, 3, 3}, 0.2F);
  b.Random("b2", {16}, 0.1F).Random("w3", {16, 16}, 0.3F).Random("w4", {4, 16}, 0.3F);
  b.Random("b4", {4}, 0.1F).Floats("low", {}, {0}).Floats("high", {}, {6});
  b.Add("Conv", {"x", "w1", "b1"}, {"c1"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Clip", {"c1", "low", "high"}, {"r1"});
  b.Add("Conv", {"r1", "w2", "b2"}, {"c2"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("LeakyRelu", {"c2"}, {"l2"}).Set("alpha", 0.1F);
  b.Add("Sigmoid", {"c2"}, {"s2"});
  b.Add("HardSigmoid", {"c2"}, {"h2"});
  b.Add("Add", {"l2", "s2"}, {"a2"});
  b.Add("Concat", {"a2", "h2"}, {"k2"}).Set("axis", int64_t{2});
  Node& pool = b.Add("AveragePool", {"k2"}, {"p2"});
  pool.Set("kernel_shape", std::vector<int64_t>{3, 3});
  b.Add("ReduceMean", {"p2"}, {"g2"}).Set("axes", std::vector<int64_t>{2, 3});
  b.model.graph.nodes.back().Set("keepdims", int64_t{0});
  b.Add("MatMul", {"g2", "w3"}, {"m3"});
  b.Add("Gemm", {"m3", "w4", "b4"}, {"y"}).Set("transB", int64_t{1});
  for (Node& node : b.model.graph.nodes) node.name = node.op_type + "_" + node.outputs[0];
  return b;
}

// The file without the words about its making: these have the hash of all settings.
std::string BytesWith(const std::string& text, const TempDir& folder, ConvertOptions options) {
  const LoadedConfig loaded = LoadText(text);
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.output = folder / "out.onnx";
  if (loaded.config.deployment.skip_calibration) options.calibration_folder.clear();
  Convert(options);
  Model model = LoadOnnx(options.output).model;
  model.metadata.clear();
  return SerializeModel(model);
}

std::string Without(const IdleCase& one) {
  std::string text = one.text;
  return text.erase(text.find('$'), 1);
}

std::string With(const IdleCase& one) {
  std::string text = one.text;
  return text.replace(text.find('$'), 1, one.setting);
}

void ExpectIdle(const std::vector<IdleCase>& cases) {
  const TempDir folder;
  const ConvertOptions options = PrepareConversion(folder, Net(), {1, 3, 8, 8});
  std::map<std::string, std::string> bytes;  // of texts that several cases stand on
  const auto bytes_without = [&](const std::string& text) -> const std::string& {
    const auto [made, is_new] = bytes.try_emplace(text);
    if (is_new) made->second = BytesWith(text, folder, options);
    return made->second;
  };
  for (const IdleCase& one : cases) {
    SCOPED_TRACE(With(one));
    const std::vector<std::string> warnings = LoadText(With(one)).warnings;
    EXPECT_TRUE(AnyHolds(warnings, one.told)) << testing::PrintToString(warnings);
    // Bytes are not to be printed.
    EXPECT_TRUE(BytesWith(With(one), folder, options) == bytes_without(Without(one)));
  }
}

std::vector<IdleCase> VitisCases() {
  std::vector<IdleCase> cases;
  const auto add = [&](const std::string& key, const std::string& scheme) {
    cases.push_back({kCpu + "scheme: " + scheme + "\n$", key + ": true\n",
                     key + " has no effect with scheme " + scheme});
  };
  for (const char* scheme : {"dynamic", "weight-only"}) {
    for (const char* key :
         {"include_bias_corr", "learned_clipping", "absorb_biases", "change_concat_input_fix",
          "change_pool_input_fix", "keep_add_layer_accuracy"})
      add(key, scheme);
  }
  for (const char* key : {"second_order_rounding", "include_fast_ft"}) add(key, "dynamic");
  const std::string learned = kCpu + "include_fast_ft: true\nfast_finetune: {";
  const std::vector<IdleCase> more = {
      {kCpu + "$", "objective: speed\n", "objective has no effect"},
      {"target_device: DPU\n$", "processor: vnni\n", "processor has no effect"},
      {kCpu + "scheme: dynamic\n$", "effort: high\n", "effort has no effect"},
      {kCpu + "$", "exact_rounding: true\n", "exact_rounding has no effect"},
      {kCpu + "scheme: weight-only\ntensor_quantize_config: {activation: {round_mode: half_up}}\n$",
       "exact_rounding: true\n", "exact_rounding has no effect"},
      {kCpu + "include_cle: false\n$", "equalize_clips: true\n", "equalize_clips has no effect"},
      {"target_device: DPU\ncompat: vitis\n$", "extensions: true\n", "extensions has no effect"},
      {kCpu + "$", "calibration: {batch_size: 3}\n", "batch_size has no effect"},
      {kCpu + "calibration: {format: npy$}\n", ", calib_transforms: [{color: bgr}]",
       "calib_transforms has no effect"},
      {learned + "num_epochs: 2$}\n", ", num_iterations: 5", "num_iterations has no effect"},
      {learned + "num_iterations: 9$}\n", ", fixed_seed: 5", "fixed_seed has no effect"},
      {learned + "num_iterations: 9, drop_ratio: 0$}\n", ", fixed_seed: 5",
       "fixed_seed has no effect"}};
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

TEST(IdleSettingsTest, OfTheVitisLanguage) { ExpectIdle(VitisCases()); }

TEST(IdleSettingsTest, ParametersOfTheVitisLanguage) {
  const auto values = [](const std::string& first) {
    return kCpu + "tensor_quantize_config: {activation: {" + first + "$}}\n";
  };
  ExpectIdle({
      {kCpu + "$", "percentage: 99.0\n", "percentage has no effect with method maxmin"},
      {values("method: range_abs_max"), ", moving_rate: 0.5", "moving_rate has no effect"},
      {kCpu + "$", "window_size: 5\n", "window_size has no effect with method maxmin"},
      {values("bit_width: 8"), ", block_size: 32", "block_size has no effect on activation"},
      {values("method: moving_average_abs_max"), ", calib_statistic_method: max",
       "calib_statistic_method has no effect with method moving_average_abs_max"},
      {kCpu + "symmetry: false\n$", "signed: true\n", "signed has no effect with symmetry false"},
      {kCpu + "symmetry: false\n$", "narrow_range: true\n", "narrow_range has no effect"},
      {kCpu + "value_quantize_config: [{value: r1, signed: false$}]\n", ", narrow_range: true",
       "narrow_range has no effect with signed false"},
      {kCpu + "tensor_quantize_config: {weights: {bit_width: 8$}}\n",
       ", calib_statistic_method: max", "calib_statistic_method has no effect on weights"},
      {"target_device: CPU\noverall_quantize_config: {datatype: bfloat16$}\n",
       ", bit_width: 4, method: maxmin", "bit_width, method have no effect"},
      {kCpu + "value_quantize_config: [{value: c1, range: [0, 1]$}]\n", ", method: mse",
       "method has no effect with range"},
      {kCpu + "value_quantize_config: [$ {value: c1, bit_width: 8}]\n",
       "{value: c1, bit_width: 16},", "has an entry already"},
      {kCpu + "layer_quantize_config: [$ {layer_type: Conv, overall_quantize_config: {bit_width: "
              "8}}]\n",
       "{layer_type: Conv, overall_quantize_config: {datatype: float32}},", "has an entry already"},
      {kCpu + "quantizable_data_type: [weights, bias]\n$",
       "tensor_quantize_config: {activation: {bit_width: 16}}\n", "its settings have no effect"},
  });
}

std::string Quark(const std::string& top, const std::string& options = "",
                  const std::string& spec = "Int8Spec") {
  return "global_config: {input_tensors: {spec: " + spec + "}, weight: {spec: " + spec + "}}\n" +
         top + "extra_options: {UseQDQContribOps: false" + options + "}\n";
}

std::vector<IdleCase> QuarkCases() {
  std::vector<IdleCase> cases = {
      {Quark("quant_mode: static\n$"), "objective: speed\n", "objective has no effect"},
      {Quark("$", "", "XInt8Spec"), "processor: vnni\n", "processor has no effect"},
      {Quark("quant_mode: dynamic\n$"), "effort: high\n", "effort has no effect"},
      {Quark("", ", Int16Bias: true$"), ", Int32Bias: true", "Int32Bias has no effect"},
      {Quark("", ", QuantizeBias: false$"), ", Int32Bias: true", "Int32Bias has no effect"},
      {Quark("", ", QuantizeBias: false$"), ", Int16Bias: true", "Int16Bias has no effect"},
      {Quark("", "$"), ", MatMulNBitsParams: {Bits: 4}", "MatMulNBitsParams has no effect"},
      {Quark("target_device: CPU\n", "$"), ", EnableNPUCnn: true", "EnableNPUCnn has no effect"},
      {Quark("target_device: DPU\n", "$", "XInt8Spec"), ", EnableNPUCnn: false",
       "EnableNPUCnn has no effect"},
      {Quark("", "$"), ", CalibMovingAverage: true", "CalibMovingAverage has no effect"},
      {Quark("", "$", "XInt8Spec"), ", Percentile: 99.0", "Percentile has no effect"},
      {Quark("", "$"), ", MinMSEModePof2Scale: MostCommon", "MinMSEModePof2Scale has no effect"},
      {Quark("", "$", "XInt8Spec"), ", WeightCalibrateMethod: MinMSE",
       "WeightCalibrateMethod has no effect"},
      {Quark("", "$", "XInt8Spec"), ", ConvertReduceMeanToDPUVersion: true",
       "ConvertReduceMeanToDPUVersion has no effect"},
      {Quark("algo_config: [{name: adaround, num_iterations: 9}$]\n"), ", {name: adaquant}",
       "adaquant has no effect"},
      {Quark("algo_config: [{name: adaround, num_iterations: 9$}]\n"), ", early_stop: true",
       "early_stop has no effect with adaround"},
      {Quark("algo_config: [{name: cle$}]\n"), ", cle_steps: 3", "cle_steps of cle has no effect"},
      {Quark("algo_config: [{name: gptq$}]\n"), ", bits: 4", "bits of gptq has no effect"},
      {Quark("", ", TensorQuantOverrides: {c1: [{symmetric: true$}]}"), ", rmin: 0",
       "rmin has no effect without rmax"}};
  // What equalization does is no matter of the scheme.
  for (const char* name : {"bias_correction", "gptq", "adaround", "adaquant"})
    cases.push_back({Quark("quant_mode: dynamic\nalgo_config: [{name: cle}$]\n"),
                     std::string(", {name: ") + name + "}",
                     std::string(name) + " has no effect with scheme dynamic (c.yaml:2:13)"});
  cases.push_back({Quark("scheme: weight-only\nalgo_config: [{name: cle}$]\n"),
                   ", {name: bias_correction}",
                   "bias_correction has no effect with scheme weight-only"});
  for (const char* form : {"ConvertLeakyReluToDPUVersion", "ConvertHardSigmoidToDPUVersion",
                           "ConvertSigmoidToHardSigmoid", "ConvertAvgPoolToDPUVersion"})
    cases.push_back({Quark("", ", SimulateDPU: false$", "XInt8Spec"),
                     ", " + std::string(form) + ": true", std::string(form) + " has no effect"});
  return cases;
}

TEST(IdleSettingsTest, OfQuark) { ExpectIdle(QuarkCases()); }

std::vector<IdleCase> PaddleCases() {
  const std::string all = "quantizable_layer_type: [Conv2D, Linear]\n";
  return {
      {all + "algo: KL\n$", "activation_quantize_type: range_abs_max\n",
       "activation_quantize_type has no effect with algo KL"},
      {all + "activation_quantizer: KLQuantizer\n$", "activation_quantize_type: range_abs_max\n",
       "activation_quantize_type has no effect with activation_quantizer"},
      {all + "activation_quantize_type: abs_max\n$", "moving_rate: 0.5\n",
       "moving_rate has no effect"},
      {all + "$", "window_size: 5\n", "window_size has no effect"},
      {all + "algo: KL\n$", "hist_percent: 0.5\n", "hist_percent has no effect"},
      {all + "$", "batch_size: 3\n", "batch_size has no effect"},
      {"weight_bits: 8\nis_full_quantize: true\n$", "quantizable_layer_type: [Conv2D]\n",
       "quantizable_layer_type has no effect"},
  };
}

TEST(IdleSettingsTest, OfPaddle) { ExpectIdle(PaddleCases()); }

std::vector<IdleCase> HorizonCases() {
  const std::string model = "  quant_config: {model_config: {";
  return {
      {CalibrationText("  calibration_type: kl\n$"), "  max_percentile: 0.9\n",
       "max_percentile has no effect with calibration_type kl"},
      {HorizonSections{.calibration = "  calibration_type: skip\n$"}.Text(),
       "  cal_data_dir: cal\n", "cal_data_dir has no effect"},
      {CalibrationText("  scheme: weight-only\n$"), "  calibration_type: kl\n",
       "calibration_type has no effect with scheme weight-only"},
      {CalibrationText("  scheme: weight-only\n  calibration_type: max\n$"),
       "  max_percentile: 0.9\n", "max_percentile has no effect with scheme weight-only"},
      {CalibrationText("$"), "  objective: speed\n", "objective has no effect"},
      {CalibrationText("$"), "  processor: vnni\n", "processor has no effect"},
      {CalibrationText("$" + model + "activation: {calibration_type: kl}}}\n"),
       "  calibration_type: max\n", "calibration_type max has no effect"},
      {CalibrationText("  calibration_type: max\n$" + model +
                       "activation: {calibration_type: max}}}\n"),
       "  max_percentile: 0.9\n", "max_percentile has no effect"},
      {CalibrationText("$" + model + "all_node_type: int8}}\n"),
       "  optimization: set_all_nodes_int16\n", "set_all_nodes_int16 has no effect"},
      {CalibrationText("$" + model + "activation: {asymmetric: false}}}\n"),
       "  optimization: asymmetric\n", "asymmetric has no effect"},
      {CalibrationText(model + "activation: {calibration_type: kl$}}}\n"), ", max_percentile: 0.9",
       "max_percentile has no effect without calibration_type max"},
      {CalibrationText(model + "layerwise_search: {topk: 2$}}}\n"), ", similarity: 0.9",
       "similarity has no effect with topk 2"},
  };
}

TEST(IdleSettingsTest, OfHorizon) { ExpectIdle(HorizonCases()); }

// Who adds a row says here what shows that it is true.
TEST(IdleSettingsTest, EveryRowHasACase) {
  std::set<std::string> told;
  for (const auto& cases : {VitisCases(), QuarkCases(), PaddleCases(), HorizonCases()})
    for (const IdleCase& one : cases) told.insert(one.told.substr(0, one.told.find(' ')));
  // Of pictures, that this net has none of.
  told.insert("cal_data_type");
  for (const Dialect& dialect : Dialects()) {
    for (const auto& [section, rows] : dialect.rules()) {
      for (const SettingRule& rule : rows) {
        if (rule.kind != SettingRule::Kind::kIdle) continue;
        EXPECT_TRUE(told.contains(std::string(rule.key.substr(rule.key.rfind('.') + 1))))
            << dialect.name << " " << rule.key;
      }
    }
  }
}

}  // namespace
}  // namespace qconvert

// null, keys given twice and empty --set: what was not really said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kCpu =
    "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\nmethod: maxmin\n"
    "round_mode: half_even\nscale_type: float\ncalib_statistic_method: max\n";
constexpr const char* kHorizon =
    "model_parameters: {onnx_model: net.onnx, march: nash-e}\n"
    "input_parameters: {input_name: a, input_type_rt: featuremap, input_type_train: featuremap}\n";

TEST(NotGivenTest, NullIsAsIfTheKeyWereNotThere) {
  // with nulls, without
  const std::string cpu = kCpu;
  const std::string horizon = kHorizon;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {cpu + "tensor_quantize_config: null\n", cpu},
      {cpu + "overall_quantize_config:\nlayer_quantize_config: ~\ncalibration: Null\n", cpu},
      {cpu + "tensor_quantize_config: {weights: null, bias: {bit_width: NULL}}\n", cpu},
      {cpu + "bit_width: null\npercentage:\nscheme: ~\nonnx_opset_version: null\n", cpu},
      {cpu + "layer_quantize_config: [null]\nquantizable_data_type: [null, ~]\n", cpu},
      {cpu + "quantizable_data_type: [weights, null, bias]\n",
       cpu + "quantizable_data_type: [weights, bias]\n"},
      {cpu + "layer_quantize_config:\n  -\n  - {layer_type: null, layer_name: a, "
             "quantizable_data_type: null, overall_quantize_config: {datatype: float32, method: "
             "null}}\n",
       cpu + "layer_quantize_config: [{layer_name: a, overall_quantize_config: {datatype: "
             "float32}}]\n"},
      {cpu + "calibration: {data: null, max_samples: 3, format: null}\n",
       cpu + "calibration: {max_samples: 3}\n"},
      {cpu + "calibration: {data: {x: null, y: b}}\n", cpu + "calibration: {data: {y: b}}\n"},
      {horizon + "compiler_parameters:\ncalibration_parameters: {cal_data_dir: null}\n", horizon},
      {horizon + "compiler_parameters: {input_source: {a: null}, jobs: null}\n", horizon},
      {horizon + "calibration_parameters: {quant_config: {node_config: {c: null, d: {qtype: {"
                 "input0: null, input1: int16}, activation: {num_bin: null}}}}}\n",
       horizon + "calibration_parameters: {quant_config: {node_config: {d: {qtype: {input1: "
                 "int16}}}}}\n"},
      {horizon + "calibration_parameters: {quant_config: {model_config: {activation: "
                 "{calibration_type: [max, null, kl]}}}}\n",
       horizon + "calibration_parameters: {quant_config: {model_config: {activation: "
                 "{calibration_type: [max, kl]}}}}\n"},
      {"global_config: {input_tensors: {spec: Int8Spec}, weight: {spec: Int8Spec}}\n"
       "layer_type_config: [[null, [Softmax, null]]]\n",
       "global_config: {input_tensors: {spec: Int8Spec}, weight: {spec: Int8Spec}}\n"
       "layer_type_config: [[null, [Softmax]]]\n"},
      {"weight_bits: 8\nactivation_preprocess_type: null\nnot_quant_pattern:\n",
       "weight_bits: 8\n"},
  };
  for (const auto& [with, without] : cases) {
    ASSERT_THAT(ProblemsOf(with), ElementsAre()) << with;
    EXPECT_EQ(LoadText(with).config, LoadText(without).config) << with;
    EXPECT_THAT(LoadText(with).warnings, LoadText(without).warnings) << with;
  }
}

TEST(NotGivenTest, NullsInNodeInfoSayNothing) {
  const auto with = [](const std::string& info) {
    return "model_parameters: {onnx_model: net.onnx, march: nash-e, node_info: " + info +
           "}\ninput_parameters: {input_type_rt: featuremap, input_type_train: featuremap}\n";
  };
  EXPECT_EQ(LoadText(with("{c: {ON: null, OutputType: int16}, d: null}")).config,
            LoadText(with("{c: {OutputType: int16}}")).config);
  EXPECT_TRUE(AnyHolds(ProblemsOf(with("{c: {Output: null}}")), "unknown key 'Output'"));
}

TEST(NotGivenTest, JsonNullsAreTheSame) {
  EXPECT_EQ(LoadText("{\"target_device\": \"DPU\", \"layer_quantize_config\": [null], \"method\": "
                     "null, \"tensor_quantize_config\": {\"bias\": null}}",
                     {}, "c.json")
                .config,
            LoadText("target_device: DPU\n").config);
}

TEST(NotGivenTest, NullDoesNotExcuseWhatMustBeGivenOrIsUnknown) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"target_device: null\n", "has no target_device"},
      {std::string(kCpu) + "targt_device: null\n", "unknown key 'targt_device'"},
      {std::string(kCpu) + "tensor_quantize_config: {weight: null}\n", "unknown key 'weight'"},
      {std::string(kCpu) + "layer_quantize_config: [{layer_name: null, layer_type: null}]\n",
       "expected layer_type or layer_name"},
      {std::string(kCpu) + "bit_width: \"null\"\n", "bit_width is 'null'"},
      {std::string(kCpu) + "null: 1\n", "a key must be a word"},
      {std::string(kCpu) + "method: &a null\n", "anchors are not allowed"},
      {std::string(kCpu) + "bit_width: !!null x\n", "tag '"},
      {"model_parameters: {march: null}\ninput_parameters: null\n", "march is missing"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_TRUE(AnyHolds(ProblemsOf(text), message)) << text << ProblemsOf(text)[0];
}

TEST(NotGivenTest, AKeyWithTheSameValueTwiceIsAWarning) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"method: maxmin\n",
       "c.yaml:8:1: key 'method' is given twice with the same value, first at "
       "line 4"},
      {"\"method\": 'maxmin'\n", "c.yaml:8:1: key 'method' is given twice"},
      {"tensor_quantize_config: {bias: {bit_width: 8, bit_width: 8}}\n",
       "c.yaml:8:47: key 'bit_width'"},
      {"layer_quantize_config:\n- {layer_name: a, layer_name: a}\n", "c.yaml:9:19: key"},
      {"calibration: {max_samples: 1, format: npy}\ncalibration: {format: npy, max_samples: 1}\n",
       "c.yaml:9:1: key 'calibration'"},
      {"quantizable_data_type: [bias]\nquantizable_data_type:\n  - bias\n", "c.yaml:9:1: key"},
      {"percentage: null\npercentage:\n", "c.yaml:9:1: key 'percentage'"},
      {"tensor_quantize_config: {}\ntensor_quantize_config: {}\n", "c.yaml:9:1: key"},
      {"bit_width: 8\nbit_width: 8.0\n", "c.yaml:9:1: key 'bit_width'"},
      {"percentage: 99.9\npercentage: 9.99e1\n", "c.yaml:9:1: key 'percentage'"},
  };
  for (const auto& [more, message] : cases) {
    const LoadedConfig loaded = LoadText(kCpu + more);
    // What has no effect is told besides.
    EXPECT_THAT(loaded.warnings,
                Contains(AllOf(HasSubstr(message), HasSubstr("with the same value"))))
        << more;
  }
}

TEST(NotGivenTest, ANullBesideAValueGivesNothing) {
  for (const char* more : {"method: null\n", "method:\n"}) {
    const LoadedConfig loaded = LoadText(kCpu + std::string(more));
    EXPECT_EQ(loaded.config, LoadText(kCpu).config);
    EXPECT_TRUE(AnyHolds(loaded.warnings, "key 'method' is given twice, once as null, first at"));
  }
  const LoadedConfig first = LoadText(kCpu + std::string("bit_width:\nbit_width: 16\n"));
  EXPECT_EQ(first.config, LoadText(kCpu + std::string("bit_width: 16\n")).config);
  EXPECT_TRUE(AnyHolds(first.warnings, "key 'bit_width' is given twice, once as null"));
}

TEST(NotGivenTest, AKeyWithAnotherValueIsAnError) {
  for (const char* more :
       {"method: entropy\n", "method: [maxmin]\n", "\"method\": mse\n",
        "bit_width: 8\nbit_width: \"8\"\n", "bit_width: 8\nbit_width: 8.5\n",
        "include_cle: 'false'\n", "percentage: 1\npercentage: {}\n",
        "quantizable_data_type: [bias, input]\nquantizable_data_type: [input, bias]\n",
        "calibration: {max_samples: 1}\ncalibration: {max_samples: 1, workers: 2}\n",
        "calibration: {max_samples: 1}\ncalibration: {workers: 1}\n",
        "tensor_quantize_config: {bias: {bit_width: 8, bit_width: 16}}\n",
        "nonsense: {a: 1, a: 2}\n", "method: maxmin\nmethod: mse\n"}) {
    const auto problems = ProblemsOf(kCpu + std::string(more));
    ASSERT_EQ(problems.size(), 1U) << more;
    EXPECT_THAT(problems[0], HasSubstr("is given twice, first at line")) << more;
  }
}

TEST(NotGivenTest, JsonRepeatsAsYamlDoes) {
  const auto two = [](const std::string& first, const std::string& second) {
    return "{\"target_device\": \"CPU\", \"scheme\": \"static\",\n\"bit_width\": " + first +
           ",\n\"bit_width\": " + second + "}";
  };
  const LoadedConfig loaded = LoadText(two("8", "8"), {}, "c.json");
  EXPECT_TRUE(AnyHolds(loaded.warnings,
                       "c.json:3:1: key 'bit_width' is given twice with the same value, first at "
                       "line 2"));
  for (const char* other : {"16", "8.5", "\"8\"", "[8]", "{}"}) {
    EXPECT_TRUE(AnyHolds(ProblemsOf(two("8", other), {}, "c.json"),
                         "c.json:3:1: key 'bit_width' is given twice, first at line 2"))
        << other;
  }
}

TEST(NotGivenTest, ValuesOfTheCommandLineTakeAKeyOnce) {
  EXPECT_TRUE(AnyHolds(ProblemsOf(kCpu, {"calibration={workers: 1, workers: 1}"}), "given twice"));
}

TEST(NotGivenTest, ManyRepeatedKeysDoNotFloodTheScreen) {
  std::string text = kCpu;
  for (int i = 0; i < 20000; ++i) text += "method: maxmin\n";
  EXPECT_EQ(LoadText(text).warnings.size(), 100U);
}

TEST(NotGivenTest, AQuantConfigOfItsOwnFileMayRepeatToo) {
  const TempDir folder;
  folder.Write("quant.yaml", "model_config: {all_node_type: int16, all_node_type: int16}\n");
  const auto file = folder.Write(
      "h.yaml", std::string(kHorizon) + "calibration_parameters: {quant_config: quant.yaml}\n");
  const LoadedConfig loaded = ReadConfig(file, {});
  EXPECT_EQ(loaded.config.tensors.activation.bit_width, 16);
  EXPECT_TRUE(AnyHolds(loaded.warnings, "quant.yaml:1:38: key 'all_node_type' is given twice"));
}

TEST(NotGivenTest, AnEmptySetBlanksAKey) {
  EXPECT_EQ(LoadText(kCpu + std::string("bit_width: 16\n"), {"bit_width="}).config,
            LoadText(kCpu).config);
  EXPECT_EQ(LoadText(kCpu + std::string("tensor_quantize_config: {bias: {bit_width: 16}}\n"),
                     {"bias.bit_width="})
                .config,
            LoadText(kCpu).config);
  EXPECT_EQ(LoadText(kCpu + std::string("layer_quantize_config: [{layer_name: a}]\n"),
                     {"layer_quantize_config=null"})
                .config.layers.size(),
            0U);
  EXPECT_EQ(LoadText(std::string(kHorizon) + "compiler_parameters: {jobs: 3}\n", {"jobs="}).config,
            LoadText(kHorizon).config);
  EXPECT_EQ(LoadText("weight_bits: 16\nactivation_bits: 8\n", {"weight_bits="}).config,
            LoadText("activation_bits: 8\n").config);
}

TEST(NotGivenTest, WhatABlankSetTakesAwayMayBeMissed) {
  EXPECT_TRUE(AnyHolds(ProblemsOf(kCpu, {"target_device="}), "has no target_device"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(kCpu, {"targt_device="}),
                       "--set targt_device=: unknown key 'targt_device'"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(kCpu, {"="}), "expected KEY=VALUE"));
  EXPECT_TRUE(AnyHolds(ProblemsOf(kCpu, {"bit_width=''"}), "bit_width is ''"));
  EXPECT_THAT(ProblemsOf(kCpu, {"objective="}), IsEmpty()) << "the default as it is";
}

}  // namespace
}  // namespace qconvert

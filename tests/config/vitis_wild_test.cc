// What the documents of the Vitis AI quantizer say or its parser lets through, and keys of ours
// beside the vendor's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/config/dpu_form_names.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Cpu(const std::string& more) {
  return "target_device: CPU\nmethod: maxmin\nround_mode: half_even\nscale_type: float\n"
         "calib_statistic_method: max\n" +
         more;
}

TEST(VitisWildTest, NarrowRangeOfADpuIsWhatItsDocumentsAskFor) {
  const LoadedConfig loaded = LoadText(
      "target_device: DPU\n"
      "tensor_quantize_config: {weights: {narrow_range: true}, activation: {narrow_range: true}}\n"
      "layer_quantize_config:\n"
      "  - {layer_type: Conv2d, overall_quantize_config: {narrow_range: true}}\n");
  EXPECT_EQ(std::count_if(loaded.warnings.begin(), loaded.warnings.end(),
                          [](const std::string& line) {
                            return line.starts_with("c.yaml:2:50: narrow_range true, as the");
                          }),
            1);
  EXPECT_EQ(loaded.warnings.size(), 2U) << "told once, beside the roundings";
  EXPECT_FALSE(loaded.config.tensors.weights.narrow_range);
  EXPECT_FALSE(loaded.config.layers[0].tensors.activation.narrow_range);
  EXPECT_EQ(loaded.config, LoadText("target_device: DPU\nlayer_quantize_config:\n"
                                    "  - {layer_type: Conv2d, overall_quantize_config: {}}\n")
                               .config);
  EXPECT_TRUE(LoadText(Cpu("narrow_range: true\n")).config.tensors.weights.narrow_range);
}

TEST(VitisWildTest, DevicesByTheVendorsNames) {
  for (const char* name : {"NPU", "FLEXML", "DPUCZDX8G_ISA1_B4096", "DPUCVDX8G"}) {
    const LoadedConfig loaded = LoadText(std::string("target_device: ") + name + "\n");
    EXPECT_EQ(loaded.config.target_device, TargetDevice::kDpu) << name;
    EXPECT_TRUE(AnyHolds(loaded.warnings, std::string(name) + ": the rules of DPU hold"));
  }
  EXPECT_TRUE(AnyHolds(ProblemsOf("target_device: TPU\n"), "target_device is 'TPU'"));
  EXPECT_FALSE(AnyHolds(LoadText("target_device: DPU\n").warnings, "rules of DPU"));
}

TEST(VitisWildTest, EmptyNamesAreNotGiven) {
  const QuantConfig config =
      LoadText(Cpu("layer_quantize_config:\n"
                   "  - {layer_type: Conv2d, layer_name: '', overall_quantize_config: {}}\n"
                   "  - {layer_type: '', layer_name: c, overall_quantize_config: {}}\n"))
          .config;
  EXPECT_EQ(config.layers[0].match.kind, LayerMatch::Kind::kType);
  EXPECT_EQ(config.layers[1].match.kind, LayerMatch::Kind::kName);
  EXPECT_TRUE(AnyHolds(ProblemsOf(Cpu("layer_quantize_config: [{layer_name: ''}]\n")),
                       "layer_quantize_config[0]: expected layer_type or layer_name"));
}

TEST(VitisWildTest, CommentsAreNoKeys) {
  const LoadedConfig loaded =
      LoadText(R"({"target_device": "DPU", "_comment": "x", "tensor_quantize_config":
                   {"weights": {"_why": 1, "bit_width": 8}}})",
               {}, "c.json");
  EXPECT_EQ(loaded.config, LoadText("target_device: DPU\n").config);
  EXPECT_TRUE(AnyHolds(ProblemsOf("target_device: DPU\ncomment: x\n"), "unknown key 'comment'"));
}

TEST(VitisWildTest, SubgraphsMayBeOpenAndTurnedAround) {
  const auto match = [](const std::string& graph) {
    return LoadText(Cpu("layer_quantize_config:\n  - {layer_subgraph: " + graph +
                        ", overall_quantize_config: {}}\n"))
        .config.layers[0]
        .match;
  };
  EXPECT_THAT(match("{inputs: [a]}").outputs, IsEmpty());
  EXPECT_FALSE(match("{inputs: [a]}").outside);
  EXPECT_TRUE(match("{outputs: [b], outside: true}").outside);
  EXPECT_FALSE(match("{outputs: [b], outside: true}") == match("{outputs: [b]}"));
}

TEST(VitisWildTest, ValuesHaveSettingsOfTheirOwn) {
  const std::string text =
      Cpu("value_quantize_config:\n"
          "  - {value: x, bit_width: 16, range: [-1, 2.5]}\n"
          "  - {value: y, symmetry: false}\n");
  const LoadedConfig loaded = LoadText(text);
  EXPECT_THAT(loaded.warnings, IsEmpty());
  ASSERT_EQ(loaded.config.values.size(), 2U);
  EXPECT_FALSE(loaded.config.values[1].settings.symmetry);
  const ValueSettings& x = loaded.config.values[0];
  TensorSettings expected = loaded.config.tensors.activation;
  expected.bit_width = 16;
  EXPECT_EQ(x.settings, expected);
  EXPECT_EQ(x.range, (Range{-1, 2.5F}));
  EXPECT_EQ(x.place, "c.yaml:7:13");
  EXPECT_EQ(LoadText(PrintConfig(loaded.effective)).config, loaded.config);
}

TEST(VitisWildTest, ProblemsOfValues) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{bit_width: 8}", "value_quantize_config[0]: expected the name of a value"},
      {"{value: x, bit_with: 8}", "unknown key 'bit_with', did you mean 'bit_width'?"},
      {"{value: x, range: 3}", "range is '3', expected [LEAST, GREATEST]"},
      {"{value: x, range: [1]}", "range is 'a list'"},
      {"{value: x, range: [0, 0]}", "range is '0, 0'"},
      {"{value: x, range: [2, 1]}", "range is '2, 1'"},
      {"{value: x, range: [0, 1e39]}", "range is '0, 1e+39'"},
      {"{value: x, range: [a, b]}", "range is 'a list'"},
      {"{value: x, datatype: float16}", "datatype is a float, expected int"},
      {"{value: x, scale_type: poweroftwo}",
       "value_quantize_config[0]: activation: "
       "calib_statistic_method is max, expected modal"},
  };
  for (const auto& [entry, message] : cases) {
    const auto problems = ProblemsOf(Cpu("value_quantize_config: [" + entry + "]\n"));
    EXPECT_TRUE(AnyHolds(problems, message)) << entry << (problems.empty() ? "" : problems[0]);
  }
  // What is no map is told once; those behind it count on from the file.
  EXPECT_THAT(ProblemsOf(Cpu("value_quantize_config: [5]\n")),
              ElementsAre("c.yaml:6:25: value_quantize_config is '5', expected maps in it"));
  for (const std::string key : {"value_quantize_config", "layer_quantize_config"}) {
    EXPECT_TRUE(
        AnyHolds(ProblemsOf(Cpu(key + ": [5, null, {bit_width: 8}]\n")), key + "[2]: expected"));
  }
}

TEST(VitisWildTest, FormsOfADpu) {
  const LoadedConfig loaded = LoadText("target_device: DPU\ndpu_forms: [sigmoid, leaky_relu]\n");
  EXPECT_EQ(loaded.config.dpu_forms, (DpuForms{.leaky_relu = true, .sigmoid = true}));
  EXPECT_THAT(NamesOfDpuForms(loaded.config.dpu_forms), ElementsAre("leaky_relu", "sigmoid"));
  EXPECT_EQ(FindDpuForms(AllDpuForms()), (DpuForms{true, true, true, true}));
  EXPECT_EQ(LoadText(PrintConfig(loaded.effective)).config, loaded.config);
  EXPECT_TRUE(AnyHolds(ProblemsOf("target_device: DPU\ndpu_forms: [relu]\n"),
                       "dpu_forms is 'relu', expected leaky_relu, hard_sigmoid"));
}

}  // namespace
}  // namespace qconvert

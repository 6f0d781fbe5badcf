// --print-config: what is printed means the same, and says where it came from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/file.h"
#include "support/project_folder.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

TEST(PrintConfigTest, EverySettingSaysWhereItCameFrom) {
  const LoadedConfig loaded =
      LoadText("target_device: DPU\nmethod: maxmin\n", {"weights.bit_width=16"});
  const std::string text = PrintConfig(loaded.effective);
  EXPECT_THAT(text, HasSubstr("target_device: DPU  # c.yaml:1\n"));
  EXPECT_THAT(text, HasSubstr("scheme: static  # default\n"));
  EXPECT_THAT(text, HasSubstr("    method: maxmin  # c.yaml:2\n"));
  EXPECT_THAT(text, HasSubstr("    bit_width: 16  # --set weights.bit_width=16\n"));
}

// What is printed reads back as the same settings, and prints the same but for the places.
void ExpectRoundTrip(const std::string& text, const std::string& name) {
  const LoadedConfig first = LoadText(text, {}, name);
  const std::string printed = PrintConfig(first.effective);
  const LoadedConfig second = LoadText(printed, {}, "/elsewhere/printed.yaml");
  EXPECT_EQ(second.config, first.config) << printed;
  const std::string again = PrintConfig(second.effective);
  const auto without_places = [](const std::string& with) {
    std::string out;
    for (size_t at = 0; at < with.size();) {
      const size_t end = with.find('\n', at);
      const std::string line = with.substr(at, end - at);
      out += line.substr(0, line.find("  # ")) + "\n";
      at = end + 1;
    }
    return out;
  };
  EXPECT_EQ(without_places(again), without_places(printed));
}

TEST(PrintConfigTest, WhatIsPrintedMeansTheSame) {
  const std::string horizon =
      "model_parameters: {onnx_model: a b.onnx, march: nash-e, node_info: \"Conv_0:int16\"}\n"
      "input_parameters: {input_name: a;b, input_type_rt: featuremap;rgb, input_type_train: "
      "featuremap;rgb, input_layout_train: NCHW;NCHW, mean_value: \"None;1 2 3\"}\n"
      "calibration_parameters: {cal_data_dir: x;y, calibration_type: max, max_percentile: 0.9, "
      "run_on_cpu: \"z;'q\", optimization: \"set_Add_output_int16,asymmetric\", quant_config: "
      "{op_config: {Mul: {qtype: float32}}, subgraph_config: {s: {inputs: [a], outputs: [b], "
      "qtype: "
      "int16}}}}\n"
      "compiler_parameters: {input_source: {b: ddr}, jobs: 2}\n";
  ExpectRoundTrip(horizon, "/job/h.yaml");
  ExpectRoundTrip("weight_bits: 8\nactivation_quantize_type: range_abs_max\nwindow_size: 7\n",
                  "/job/p.yaml");
  ExpectRoundTrip("target_device: DPU\n", "/job/v.yaml");
  ExpectRoundTrip(
      "global_config: {input_tensors: {spec: UInt8Spec}, weight: {spec: XInt8Spec}}\n"
      "exclude: ['^/a/.*', 'b*', [[c, 'd: #'], [e]]]\nlayer_type_config: [[null, [Softmax]]]\n"
      "extra_options: {CalibDataSize: 3, Percentile: 99, Int16Bias: true}\n",
      "/job/q.yaml");
  ExpectRoundTrip(
      "target_device: CPU\nquantizable_data_type: [weights, bias]\nmethod: percentile\npercentage: "
      "99.5\nscale_type: float\ncalib_statistic_method: max\n"
      "layer_quantize_config:\n"
      "  - layer_name: 're:/a[0-9]+: #\"x'\n    quantizable_data_type: [activation]\n"
      "    tensor_quantize_config: {activation: {datatype: int, method: maxmin}}\n"
      "  - layer_type: Conv\n    overall_quantize_config: {datatype: float32}\n"
      "calibration: {data: {x: samples, 'y: 1': other}, max_samples: 5}\n",
      "/job/v.yaml");
}

TEST(PrintConfigTest, PresetsMeanTheSameWhenPrinted) {
  for (const auto& preset : ListFolder(ProjectFolder() / "configs")) {
    if (preset.extension() == ".yaml") ExpectRoundTrip(ReadFile(preset), preset.string());
  }
}

}  // namespace
}  // namespace qconvert

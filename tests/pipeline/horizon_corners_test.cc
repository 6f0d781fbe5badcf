// Settings of Horizon files that meet: each does what it does alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

Model Network() {
  GraphBuilder b;
  b.Input("image", {"1", "3", "8", "8"}).Output("scores").Random("w", {8, 3, 3, 3}, 0.3F);
  b.Random("b", {8}, 0.2F).Random("v", {4, 8, 3, 3}, 0.3F);
  b.Add("Conv", {"image", "w", "b"}, {"c"}).name = "Conv_0";
  b.Add("Relu", {"c"}, {"r"}).name = "Relu_0";
  b.Add("Conv", {"r", "v"}, {"scores"}).name = "Conv_1";
  return b.model;
}

std::string File(const std::string& input, const std::string& calibration,
                 const std::string& model = "") {
  return "model_parameters:\n  onnx_model: model.onnx\n  march: nash-e\n" + model +
         "input_parameters:\n  input_name: image\n  input_type_rt: rgb\n  input_type_train: rgb\n"
         "  input_layout_train: NCHW\n  mean_value: 120 110 100\n  scale_value: 0.02\n" +
         input + "calibration_parameters:\n  cal_data_dir: cal\n" + calibration;
}

struct Job {
  TempDir folder;
  ConvertOptions options;

  explicit Job(const std::string& text, const Model& model = Network()) {
    folder.Write("model.onnx", SerializeModel(model));
    for (uint32_t k = 0; k < 8; ++k) {
      const Tensor sample = RandomTensor("image", {1, 3, 8, 8}, k);
      folder.Write("cal/" + std::to_string(k) + ".npy",
                   NpyFloats(sample.dims, sample.values<float>()));
    }
    const LoadedConfig loaded = LoadText(text);
    options.model = folder / "model.onnx";
    options.output = folder / "out.onnx";
    options.calibration_folder = folder / "cal";
    options.config = loaded.config;
    options.effective_config = loaded.effective;
  }

  std::filesystem::path MakeTable(const std::string& text) const {
    const LoadedConfig loaded = LoadText(text);
    WriteCalibrationTable({.model = options.model,
                           .output = folder / "table.json",
                           .calibration_folder = options.calibration_folder,
                           .configs = {{loaded.config, loaded.effective, "c.yaml"}}});
    return folder / "table.json";
  }
};

// Metadata alone say whether samples or a table stood behind a model.
std::vector<std::string> Weights(const std::filesystem::path& file) {
  std::vector<std::string> bytes;
  for (const auto& [name, tensor] : LoadOnnx(file).model.graph.initializers)
    bytes.push_back(name + *tensor.bytes);
  return bytes;
}

TEST(HorizonCornersTest, ATableOfAFoldedModelMakesTheSameModel) {
  const std::string text = File("  fold_normalization: true\n", "  calibration_type: max\n");
  Job job(text);
  Convert(job.options);
  const std::vector<std::string> from_samples = Weights(job.options.output);
  job.options.table = job.MakeTable(text);
  Convert(job.options);
  EXPECT_EQ(Weights(job.options.output), from_samples);
}

TEST(HorizonCornersTest, ATableOfTheModelAsItCameDoesNotFitAFoldedOne) {
  Job job(File("  fold_normalization: true\n", "  calibration_type: max\n"));
  job.options.table = job.MakeTable(File("", "  calibration_type: max\n"));
  try {
    Convert(job.options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
    EXPECT_THAT(e.what(), HasSubstr("is not of the model with fold_normalization"));
  }
}

TEST(HorizonCornersTest, OnePassDoesNotServeBoth) {
  const Job job("" + File("", ""));
  CalibrateOptions options{.model = job.options.model,
                           .calibration_folder = job.options.calibration_folder};
  for (const char* fold : {"  fold_normalization: true\n", ""}) {
    const LoadedConfig loaded = LoadText(File(fold, ""));
    options.configs.push_back({loaded.config, loaded.effective, "c.yaml"});
  }
  EXPECT_THROW(MakeCalibrationTable(options), Error);
}

double SqnrOf(const std::vector<float>& expected, const std::vector<float>& actual) {
  double signal = 0;
  double noise = 1e-30;
  for (size_t k = 0; k < expected.size(); ++k) {
    const double error = static_cast<double>(expected[k]) - static_cast<double>(actual.at(k));
    signal += std::pow(static_cast<double>(expected[k]), 2);
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

// A product at the end gives floats for free, unless codes are what is asked for.
TEST(HorizonCornersTest, CodesOfAProductAtTheEnd) {
  GraphBuilder b;
  b.Input("image", {"1", "3", "8", "8"}).Output("scores").Random("w", {8, 3, 3, 3}, 0.3F);
  b.Random("v", {288, 4}, 0.2F);
  b.Add("Conv", {"image", "w"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Flatten", {"r"}, {"f"});
  b.Add("Gemm", {"f", "v"}, {"scores"});
  for (const auto& [bits, type] :
       {std::pair("int8", DataType::kInt8), {"int16", DataType::kInt16}, {"", DataType::kFloat}}) {
    const std::string asked =
        *bits == 0 ? "" : std::string("  optimization: set_model_output_") + bits + "\n";
    Job job(File("", "  calibration_type: max\n" + asked, "  remove_node_type: Dequantize\n"),
            b.model);
    EXPECT_THAT(Convert(job.options).warnings,
                testing::Not(testing::Contains(HasSubstr("set_model_output"))));
    EXPECT_EQ(LoadOnnx(job.options.output).model.graph.outputs[0].type.element, type) << bits;
    const std::string bytes = Slurp(job.options.output);
    const PlanFile plan = ReadPlanFile(QuantInfoPath(job.options.output));
    job.options.plan = &plan;
    job.options.config = plan.config;
    Convert(job.options);
    EXPECT_EQ(Slurp(job.options.output) == bytes, true) << "by its plan, " << bits;
  }
}

// The bias that is moved is that of the node whose codes are the output.
TEST(HorizonCornersTest, CodesOfOutputsWithCorrectedBiases) {
  for (const char* bits : {"int8", "int16"}) {
    const Job job(File("",
                       std::string("  calibration_type: max\n  optimization: set_model_output_") +
                           bits + ",bias_correction\n",
                       "  remove_node_type: Dequantize\n"));
    const ConversionReport report = Convert(job.options);
    EXPECT_FALSE(report.corrections.empty());
    const Model deployed = LoadOnnx(job.options.output).model;
    const bool is_byte = std::string_view(bits) == "int8";
    ASSERT_EQ(deployed.graph.outputs[0].type.element, is_byte ? DataType::kInt8 : DataType::kInt16);
    float scale = 0;
    for (const auto& [key, text] : deployed.metadata)
      if (text.starts_with("DequantizeLinear"))
        scale = std::stof(text.substr(text.find("scale ") + 6));
    std::vector<int8_t> pixels(3 * 64);
    std::vector<float> normalized(pixels.size());
    for (size_t k = 0; k < pixels.size(); ++k) {
      // Bytes come by pixel, less 128; floats in planes.
      const size_t c = k / 64;
      const auto level = static_cast<int>(100 + k * 13 % 40);
      pixels[k % 64 * 3 + c] = static_cast<int8_t>(level - 128);
      normalized[k] =
          (static_cast<float>(level) - (120.0F - 10.0F * static_cast<float>(c))) * 0.02F;
    }
    const Tensor expected =
        RunModel(Network(), {MakeFloatTensor("image", {1, 3, 8, 8}, normalized)}).at(0);
    Tensor fed{.name = "image", .type = DataType::kInt8, .dims = {1, 8, 8, 3}};
    fed.bytes = std::make_shared<const std::string>(
        std::string(reinterpret_cast<const char*>(pixels.data()), pixels.size()));
    const Tensor codes = RunModel(deployed, {fed}).at(0);
    std::vector<float> floats;
    for (int64_t k = 0; k < codes.element_count(); ++k) {
      const auto i = static_cast<size_t>(k);
      const int code = is_byte ? codes.values<int8_t>()[i] : codes.values<int16_t>()[i];
      floats.push_back(static_cast<float>(code) * scale);
    }
    EXPECT_GT(SqnrOf({expected.values<float>().begin(), expected.values<float>().end()}, floats),
              20)
        << bits;
  }
}

// As users of the vendor's tools name a Dequantize: by the node in front of it.
TEST(HorizonCornersTest, DequantizeIsRemovedByAnyOfItsNames) {
  for (const char* name : {"Conv_1;", "Conv_1_HzDequantize", "scores_Dequantize_0"}) {
    const Job job(File("", "  calibration_type: max\n",
                       std::string("  remove_node_name: \"") + name + "\"\n"));
    const ConversionReport report = Convert(job.options);
    EXPECT_FALSE(AnyHolds(report.warnings, "remove_node_name")) << name;
    const Model model = LoadOnnx(job.options.output).model;
    EXPECT_EQ(model.graph.outputs[0].type.element, DataType::kInt8) << name;
    EXPECT_THAT(ReadFile(job.folder / "deleted_nodes_info.txt"), HasSubstr("scores_Dequantize_0"));
  }
  const Job kept(File("", "  calibration_type: max\n",
                      "  remove_node_type: Dequantize\n  keep_node_name: Conv_1\n"));
  Convert(kept.options);
  EXPECT_EQ(LoadOnnx(kept.options.output).model.graph.outputs[0].type.element, DataType::kFloat);
  const Job unknown(File("", "  calibration_type: max\n", "  remove_node_name: Conv_0\n"));
  EXPECT_TRUE(AnyHolds(Convert(unknown.options).warnings,
                       "c.yaml:4:21: remove_node_name has no effect for Conv_0: no node that an"));
}

// Vendors' tools pass over what is not there; whoever wrote it is told where.
TEST(HorizonCornersTest, WhatRemovesOrKeepsNothingIsTold) {
  const Job job(File("", "  calibration_type: max\n",
                     "  remove_node_type: Dequantize;Softmax;Cast\n"
                     "  remove_node_name: image_Quantize_0\n"
                     "  keep_node_name: scores_Dequantize_0;Conv_0;scores_Dequantize_1\n"));
  EXPECT_THAT(Convert(job.options).warnings,
              testing::IsSupersetOf({
                  HasSubstr("c.yaml:4:21: remove_node_type has no effect for Softmax, Cast: none "
                            "stands at"),
                  HasSubstr("c.yaml:5:21: remove_node_name has no effect for image_Quantize_0: no"),
                  HasSubstr("c.yaml:6:19: keep_node_name has no effect for Conv_0, "
                            "scores_Dequantize_1: nothing else would"),
              }));
}

// What is kept would have gone: its type is not one that does nothing.
TEST(HorizonCornersTest, TypesThatAreKeptHaveAnEffect) {
  const Job job(File("", "  calibration_type: max\n",
                     "  remove_node_type: Dequantize\n"
                     "  keep_node_name: scores_Dequantize_0\n"));
  EXPECT_FALSE(AnyHolds(Convert(job.options).warnings, "has no effect"));
}

// Names of several lists, and what cannot be folded: one run tells all of it.
TEST(HorizonCornersTest, WhatDoesNotFitTheModelIsToldAtOnce) {
  GraphBuilder b;
  b.model = Network();
  b.Output("n").Add("Neg", {"image"}, {"n"}).name = "Neg_0";
  const Job job(File("  fold_normalization: true\n", "  run_on_cpu: Relu_7\n",
                     "  output_nodes: Conv_2;Conv_1;nobody\n"
                     "  node_info: Conv_8:int16\n"
                     "  remove_node_name: Conv_11\n"
                     "  keep_node_name: Neg_1;Neg_0_HzDequantize\n"),
                b.model);
  try {
    Convert(job.options);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(
        e.problems(),
        testing::ElementsAre(
            HasSubstr(
                "c.yaml:4:17: output_nodes has \"Conv_2\", which is no node of the model, did "
                "you mean 'Conv_0'?"),
            HasSubstr("c.yaml:4:17: output_nodes has \"nobody\", which is no node"),
            HasSubstr("c.yaml:15:23: fold_normalization: input \"image\" is read by more than one"),
            HasSubstr("c.yaml:18:15: no node of the model is named 'Relu_7', did you mean"),
            HasSubstr("c.yaml:5:14: no node of the model is named 'Conv_8', did you mean"),
            HasSubstr(
                "c.yaml:6:21: remove_node_name has \"Conv_11\", which is no node of the model, "
                "did you mean 'Conv_1'?"),
            HasSubstr(
                "c.yaml:7:19: keep_node_name has \"Neg_1\", which is no node of the model, did "
                "you mean 'Neg_0'?")));
  }
  EXPECT_THROW(job.MakeTable(File("", "", "  output_nodes: nobody\n")), ConfigError);
}

// Exporters leave Identity and other arithmetic of constants in front of weights.
TEST(HorizonCornersTest, WeightsBehindConstantsFoldToo) {
  GraphBuilder b;
  b.Input("image", {"1", "3", "8", "8"}).Output("scores").Random("w", {8, 3, 3, 3}, 0.3F);
  b.Random("b", {8}, 0.2F).Random("v", {4, 8, 3, 3}, 0.3F).Floats("one", {}, {1});
  b.Add("Identity", {"w"}, {"w1"});
  b.Add("Mul", {"b", "one"}, {"b1"});
  b.Add("Identity", {"image"}, {"i"});
  b.Add("Conv", {"i", "w1", "b1"}, {"c"}).name = "Conv_0";
  b.Add("Relu", {"c"}, {"r"}).name = "Relu_0";
  b.Add("Conv", {"r", "v"}, {"scores"}).name = "Conv_1";
  const std::string text = File("  fold_normalization: true\n", "  calibration_type: max\n");
  const Job behind(text, b.model);
  const Job plain(text);
  Convert(behind.options);
  Convert(plain.options);
  const auto codes = [](const Job& job) {
    std::multiset<std::string> bytes;
    for (const auto& [name, tensor] : LoadOnnx(job.options.output).model.graph.initializers)
      bytes.insert(*tensor.bytes);
    return bytes;
  };
  EXPECT_EQ(codes(behind), codes(plain));
}

// A name that no stage has is refused where it stands.
TEST(HorizonCornersTest, ANodeOfNoStageIsRefused) {
  const Job job(File("", "  quant_config: {node_config: {Conv_9: {qtype: int16}}}\n"));
  try {
    Convert(job.options);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.problems().at(0), HasSubstr("no node of the model is named 'Conv_9', did you"));
  }
}

// 16 bits of one entry hold for the kernel that computes both nodes.
TEST(HorizonCornersTest, TheWiderOfTwoEntriesHolds) {
  const Job job(File("",
                     "  quant_config: {node_config: {Conv_0: {qtype: int8}, Relu_0: {qtype: "
                     "int16}}}\n"));
  Convert(job.options);
  EXPECT_THAT(ReadFile(job.folder / "out_quant_info.json"), HasSubstr("\"int16\""));
}

}  // namespace
}  // namespace qconvert

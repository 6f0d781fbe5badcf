// What the report page of a conversion says is what was planted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "measure_layers.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kExample = ProjectFolder() / "examples/digits";

ConvertOptions OptionsWith(const TempDir& folder, const std::string& layers = "") {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\nscheme: static\n"
      "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: "
      "float, calib_statistic_method: max}\n" +
      layers);
  ConvertOptions options;
  options.model = kExample / "model.onnx";
  options.calibration_folder = kExample / "calib";
  options.output = folder / "out.onnx";
  options.page = folder / "page.html";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.guard = GuardMode::kReport;
  return options;
}

nlohmann::json DataOf(const std::string& page) {
  const std::string open = "id=\"data\">";
  const size_t begin = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script", begin) - begin));
}

nlohmann::json PageOf(const ConvertOptions& options) {
  Convert(options);
  return DataOf(Slurp(options.page));
}

const nlohmann::json& WorstOf(const nlohmann::json& data) {
  const nlohmann::json& layers = data["layers"];
  return *std::max_element(layers.begin(), layers.end(), [](const auto& a, const auto& b) {
    return a.value("share", 0.0) < b.value("share", 0.0);
  });
}

TEST(ReportPageTest, ErrorsOfTheExampleFitTogether) {
  const TempDir folder;
  const nlohmann::json data = PageOf(OptionsWith(folder));
  EXPECT_EQ(data["measured"]["samples"], 2);
  double sum = 0;
  double alone = 0;
  for (const auto& layer : data["layers"]) {
    sum += layer.value("share", 0.0);
    if (layer.contains("sqnr_alone_db"))
      alone += std::pow(10, -layer["sqnr_alone_db"].get<double>() / 10);
    EXPECT_EQ(layer.contains("sqnr_alone_db"),
              layer["computes"] == "integer" && layer["op_type"] != "Flatten")
        << layer;
  }
  EXPECT_NEAR(sum, 1, 1e-3);
  // Errors of small noise add up.
  EXPECT_NEAR(-10 * std::log10(alone), data["measured"]["sqnr_db"].get<double>(), 3);
  EXPECT_NEAR(data["outputs"][0]["sqnr_db"].get<double>(),
              data["measured"]["sqnr_db"].get<double>(), 6);
  EXPECT_EQ(data["bytes_after"], std::filesystem::file_size(folder / "out.onnx"));
}

TEST(ReportPageTest, ANodeThatAFloatOneReadsIsMeasuredToo) {
  const TempDir folder;
  const nlohmann::json data = PageOf(
      OptionsWith(folder,
                  "layer_quantize_config:\n- layer_name: /features/features.3/features.3.0/Conv\n"
                  "  overall_quantize_config: {datatype: float32}\n"));
  EXPECT_LT(data["nodes"]["integer"], 12);
  for (const auto& layer : data["layers"]) {
    if (layer["computes"] != "integer" || layer["op_type"] == "Flatten") continue;
    EXPECT_TRUE(layer.contains("sqnr_alone_db") && layer.contains("sqnr_behind_db")) << layer;
  }
}

TEST(ReportPageTest, ALayerWithACoarseGridIsTheWorst) {
  const TempDir folder;
  const std::string name = "/features/features.3/features.3.0/Conv";
  const nlohmann::json data = PageOf(OptionsWith(
      folder, "layer_quantize_config:\n- layer_name: " + name +
                  "\n  overall_quantize_config: {method: percentile, percentage: 60}\n"));
  EXPECT_EQ(WorstOf(data)["name"], name);
  EXPECT_GT(WorstOf(data)["share"], 0.9);
  const double gain =
      WorstOf(data)["sqnr_without_db"].get<double>() - data["measured"]["sqnr_db"].get<double>();
  EXPECT_GT(gain, 6);
  ASSERT_TRUE(WorstOf(data).contains("findings")) << WorstOf(data);
  EXPECT_EQ(WorstOf(data)["findings"][0]["cause"], "saturation");
  EXPECT_THAT(data["config"].get<std::string>(), HasSubstr("percentage: 60"));
}

TEST(ReportPageTest, StoredWeightsOfFloatNodesAreMeasuredToo) {
  const TempDir folder;
  ConvertOptions options = OptionsWith(folder);
  options.config.scheme = Scheme::kWeightOnly;
  const nlohmann::json data = PageOf(options);
  int measured = 0;
  for (const auto& layer : data["layers"]) {
    if (!layer.contains("sqnr_alone_db")) continue;
    ++measured;
    EXPECT_EQ(layer["format"], "float x int8") << layer;
  }
  EXPECT_EQ(measured, 8) << "7 Conv and a Gemm";
}

TEST(ReportPageTest, TheSameBytesForAnyWorkersAndNoPath) {
  std::string first;
  for (const int workers : {1, 3}) {
    const TempDir folder;
    ConvertOptions options = OptionsWith(folder);
    options.workers = workers;
    Convert(options);
    std::string page = Slurp(options.page);
    const std::string own = folder.path().string();
    for (size_t at = page.find(own); at != std::string::npos; at = page.find(own))
      page.erase(at, own.size());  // the output, as it was named
    if (first.empty()) first = page;
    EXPECT_EQ(page == first, true) << workers;
  }
}

TEST(ReportPageTest, WhatAnEarlierResultDecidedOtherwiseIsTold) {
  const TempDir folder;
  ConvertOptions options = OptionsWith(folder);
  options.output = folder / "earlier.onnx";
  options.page.clear();
  Convert(options);
  options.output = folder / "out.onnx";
  options.page = folder / "page.html";
  options.against = folder / "earlier.onnx";
  EXPECT_EQ(PageOf(options)["against"]["equal"], true);
  const std::string name = "/features/features.3/features.3.0/Conv";
  ConvertOptions changed =
      OptionsWith(folder, "layer_quantize_config:\n- layer_name: " + name +
                              "\n  overall_quantize_config: {datatype: float32}\n");
  changed.against = folder / "earlier_quant_info.json";
  const nlohmann::json against = PageOf(changed)["against"];
  EXPECT_EQ(against["equal"], false);
  ASSERT_FALSE(against["choices"].empty());
  EXPECT_THAT(against["choices"].dump(), HasSubstr(name));
  EXPECT_FALSE(PageOf(OptionsWith(folder)).contains("against"));
}

TEST(ReportPageTest, AnEarlierResultThatIsNoneStopsBeforeTheWork) {
  const TempDir folder;
  ConvertOptions options = OptionsWith(folder);
  options.against = folder / "none.onnx";
  EXPECT_THROW(Convert(options), Error);
  options.against = folder.Write("bad.json", "{\"format\": 1}");
  EXPECT_THROW(Convert(options), Error);
  options.against = options.page;
  EXPECT_THROW(Convert(options), Error) << "would be overwritten";
  EXPECT_FALSE(std::filesystem::exists(options.output));
}

TEST(ReportPageTest, PlacesOfSettingsNameFilesWithoutFolders) {
  const TempDir folder;
  const auto file = folder.Write("settings/own.yaml", "target_device: CPU\nscheme: static\n");
  const LoadedConfig loaded = ReadConfig(file, {{"objective=size", "--set objective=size/speed"}});
  ConvertOptions options = OptionsWith(folder);
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  options.config_file = file;
  const std::string config = PageOf(options)["config"];
  EXPECT_THAT(config, HasSubstr("scheme: static  # own.yaml:2"));
  EXPECT_THAT(config, HasSubstr("--set objective=size/speed")) << "an option is no file";
  EXPECT_THAT(config, Not(HasSubstr(folder.path().string())));
}

TEST(ReportPageTest, LargeNetworksAreMeasuredLess) {
  EXPECT_EQ(AffordedRuns(0, 256), 256U);
  EXPECT_EQ(AffordedRuns(1e6, 256), 256U);
  EXPECT_EQ(AffordedRuns(6e9, 256), 100U);
  EXPECT_EQ(AffordedRuns(6e9, 50), 50U);
  EXPECT_EQ(AffordedRuns(1e15, 256), kFewRuns);
}

TEST(ReportPageTest, NeitherPageNorModelWhereOutputsMustPassAndDoNot) {
  const TempDir folder;
  ConvertOptions options = OptionsWith(folder);
  options.gate = Gate::AtSqnr(150);
  options.must_pass = true;
  EXPECT_THROW(Convert(options), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ReportPageTest, RandomNumbersAreNotMeasuredAndStatesAre) {
  GraphBuilder b;
  b.Input("x", {"1", "16"}).Input("h", {"1", "16"}).Output("y").Output("h_out");
  b.Random("w", {16, 16}, 0.3F).Random("u", {16, 16}, 0.2F);
  b.Add("MatMul", {"x", "w"}, {"a"}).name = "first";
  b.Add("MatMul", {"h", "u"}, {"r"}).name = "second";
  b.Add("Add", {"a", "r"}, {"s"});
  b.Add("Tanh", {"s"}, {"h_out"});
  b.Add("Relu", {"h_out"}, {"y"});
  for (const bool random : {false, true}) {
    const TempDir folder;
    Model model = b.model;
    if (random) {
      Node noise = MakeNode("RandomNormalLike", {"s"}, {"n"});
      model.graph.nodes.push_back(noise);
      model.graph.nodes.push_back(MakeNode("Add", {"n", "s"}, {"z"}));
      model.graph.outputs.push_back({"z", FloatType({"1", "16"}), {}, {}});
    }
    ConvertOptions options = OptionsWith(folder);
    options.model = folder.Write("m.onnx", SerializeModel(model));
    for (uint32_t k = 0; k < 6; ++k)
      folder.Write("data/" + std::to_string(k) + ".npy", NpyFloats({1, 16}, RandomFloats(16, k)));
    options.calibration_folder = folder / "data";
    options.states = {{"h", "h_out"}};
    const nlohmann::json data = PageOf(options);
    EXPECT_EQ(data["measured"]["samples"], random ? 0 : 2) << data["measured"];
    EXPECT_EQ(WorstOf(data).contains("sqnr_alone_db"), !random);
  }
}

}  // namespace
}  // namespace qconvert

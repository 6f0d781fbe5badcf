#include "qconvert/report/debug_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "qconvert/report/report_page.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 20 dB with three nodes: 99 % of the error is that of "bad".
DebugReport Sample() {
  DebugReport report;
  report.conversion.input = "m.onnx";
  LayerReport& layers = report.layers;
  layers.errors.whole = 1e-2;
  layers.errors.samples = 2;
  layers.errors.runs = 17;
  for (const char* name : {"good", "bad", "fair"}) {
    LayerRow row;
    row.name = name;
    row.origin = name;
    row.op_type = "Conv";
    row.computes = "integer";
    row.format = "uint8 x int8";
    layers.layers.push_back(row);
  }
  layers.layers[0].errors = {.alone = 1e-6, .without = 1e-2};
  layers.layers[1].errors = {.alone = 1e-2, .without = 1e-4, .weights_alone = 9e-3};
  layers.layers[2].errors = {.alone = 1e-4, .without = 8e-3};
  layers.layers[1].share = 0.99;
  layers.layers[2].share = 0.01;
  layers.layers[1].findings = {{Finding::Cause::kOutlierChannel, "channel 3 is wide", "--try"}};
  layers.guilty = GuiltyNodes{.rows = {1},
                              .target = 1e-3,
                              .before = 1e-2,
                              .after = 1e-4,
                              .any_fewer = 1e-2,
                              .reached = true,
                              .is_minimal = true,
                              .measurements = 4};
  return report;
}

TEST(DebugReportTest, WeightsAndValuesAsAWholeAreToldWhereMeasured) {
  DebugReport report = Sample();
  EXPECT_THAT(FormatDebug(report), Not(HasSubstr("with all weights alone")));
  report.layers.errors.whole_weights = 1e-4;
  report.layers.errors.whole_activations = 1e-2;
  report.layers.errors.whole_wide = 1e-3;
  report.layers.layers[1].errors.weights_behind = 1e-3;
  report.layers.layers[2].errors.wide_behind = 1e-5;
  report.layers.layers[1].errors.own = {.weights = 1e-4, .inputs = {}};
  EXPECT_THAT(FormatDebug(report),
              HasSubstr("  with values in 16 bits and the weights as they are 30.0 dB\n"));
  EXPECT_THAT(
      FormatDebug(report),
      HasSubstr("  with all weights alone quantized 40.0 dB, with all values alone 20.0 dB\n"));
  const auto json = nlohmann::json::parse(LayersJson(report.conversion, "success", report.layers));
  EXPECT_EQ(json["measured"]["sqnr_weights_db"], 40);
  EXPECT_EQ(json["measured"]["sqnr_activations_db"], 20);
  EXPECT_EQ(json["layers"][1]["sqnr_weights_behind_db"], 30);
  EXPECT_FALSE(json["layers"][0].contains("sqnr_weights_behind_db"));
  EXPECT_EQ(json["layers"][1]["sqnr_own_weights_db"], 40);
  EXPECT_FALSE(json["layers"][1].contains("sqnr_own_inputs_db"));
  EXPECT_EQ(json["measured"]["sqnr_16_bit_values_db"], 30);
  EXPECT_EQ(json["layers"][2]["sqnr_16_bit_values_behind_db"], 50);
}

TEST(DebugReportTest, BarsCausesAndTheGuiltyAreShownWorstFirst) {
  const std::string text = FormatDebug(Sample());
  EXPECT_THAT(text, HasSubstr("m.onnx: 20.0 dB at the worst output with all nodes quantized, on 2 "
                              "samples"));
  EXPECT_THAT(text, HasSubstr("   99.0 %  ####################    20.0    20.5      -  bad"));
  EXPECT_LT(text.find("  bad\n"), text.find("  fair\n"));
  EXPECT_THAT(text, HasSubstr("outlier channel: channel 3 is wide"));
  EXPECT_THAT(text, HasSubstr("  keep this node float: 20.0 -> 40.0 dB\n"));
  EXPECT_THAT(text, HasSubstr("--keep-float 'bad'"));
  EXPECT_THAT(text, HasSubstr("17 runs"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 86U) << line;
}

TEST(DebugReportTest, OptionsNameTheLoadedNodeAndCanBePasted) {
  DebugReport report = Sample();
  report.layers.layers[1].origin = "it's /bad";
  EXPECT_THAT(FormatDebug(report), HasSubstr("--keep-float 'it'\\''s /bad'\n"));
  const auto json = nlohmann::json::parse(LayersJson(report.conversion, "success", report.layers));
  EXPECT_EQ(json["suggestions"][0]["advice"], "--keep-float 'it'\\''s /bad'");
  report.layers.layers[1].name.clear();
  report.layers.layers[1].origin.clear();
  EXPECT_THAT(FormatDebug(report), HasSubstr("a node without a name, Conv\n"));
  EXPECT_THAT(FormatDebug(report), Not(HasSubstr("--keep-float 'Conv'")));
  EXPECT_EQ(
      nlohmann::json::parse(LayersJson(report.conversion, "success", report.layers))["suggestions"]
          .size(),
      1U);
}

TEST(DebugReportTest, WhyNothingWasMeasuredIsSaid) {
  DebugReport report = Sample();
  report.layers.guilty.reset();
  report.layers.errors = {.why_none = "nothing is quantized"};
  EXPECT_EQ(FormatDebug(report), "m.onnx: nothing was measured: nothing is quantized\n");
  const auto json =
      nlohmann::json::parse(LayersJson(report.conversion, "success", report.layers))["measured"];
  EXPECT_EQ(json["why_none"], "nothing is quantized");
  EXPECT_FALSE(json.contains("sqnr_db"));
}

TEST(DebugReportTest, SuggestionsAreRankedByMeasuredGain) {
  const auto json =
      nlohmann::json::parse(LayersJson(Sample().conversion, "success", Sample().layers));
  ASSERT_EQ(json["suggestions"].size(), 2U) << "no gain, no suggestion";
  EXPECT_EQ(json["suggestions"][0]["advice"], "--keep-float 'bad'");
  EXPECT_EQ(json["suggestions"][0]["gain_db"], 20);
  EXPECT_NEAR(json["suggestions"][1]["gain_db"].get<double>(), 0.969, 1e-3);
}

TEST(DebugReportTest, TheCounterTestIsToldForSeveral) {
  DebugReport report = Sample();
  report.layers.guilty->rows = {1, 2};
  report.layers.guilty->any_fewer = 2e-3;
  EXPECT_THAT(
      FormatDebug(report),
      HasSubstr("keep these 2 nodes float: 20.0 -> 40.0 dB; any 1 of them: at most 27.0 dB"));
  report.layers.guilty->is_minimal = false;
  EXPECT_THAT(FormatDebug(report), HasSubstr("fewer may do, the budget was used up"));
  const auto json =
      nlohmann::json::parse(LayersJson(report.conversion, "success", report.layers))["guilty"];
  EXPECT_FALSE(json.contains("sqnr_any_fewer_db")) << "it was not measured";
  EXPECT_EQ(json["layers"], nlohmann::json({1, 2}));
  EXPECT_EQ(json["target_db"], 30);
}

TEST(DebugReportTest, NothingToBlameIsSaid) {
  DebugReport report = Sample();
  report.layers.guilty->rows.clear();
  report.layers.guilty->before = 1e-5;
  EXPECT_THAT(FormatDebug(report), HasSubstr("the model has 50.0 dB as it is"));
  report.layers.guilty->reached = false;
  report.layers.guilty->rows = {1};
  EXPECT_THAT(FormatDebug(report),
              HasSubstr("no set of nodes left float gives 30.0 dB; the best of 4 that were "
                        "measured: 40.0 dB"));
  report.layers.guilty.reset();
  for (LayerRow& row : report.layers.layers) row.errors = {};
  EXPECT_THAT(FormatDebug(report), HasSubstr("no node changes the outputs"));
  EXPECT_THAT(FormatDebug(report), Not(HasSubstr("keep")));
}

}  // namespace
}  // namespace qconvert

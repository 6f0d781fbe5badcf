#include "qconvert/report/layer_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "qconvert/report/report_page.h"
#include "support/graph_builder.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// x -> Conv{w} -> Relu -> y, with one scale for all weights.
struct Convolution {
  Convolution() {
    builder.Input("x", {"1", "2", "6", "6"}).Output("y").Random("w", {4, 2, 3, 3});
    builder.Add("Conv", {"x", "w"}, {"c"}).name = "conv";
    builder.Add("Relu", {"c"}, {"y"}).name = "relu";
    x = RandomFloats(72, 3);
  }
  // Scales channel `c` of the weights.
  void Scale(size_t c, float factor) {
    Tensor& weight = builder.model.graph.initializers["w"];
    const auto values = weight.values<float>();
    std::vector<float> scaled(values.begin(), values.end());
    for (size_t i = 18 * c; i < 18 * (c + 1); ++i) scaled[i] *= factor;
    weight = MakeFloatTensor("w", weight.dims, scaled);
  }
  LayerReport Describe(LayerErrors errors = {}) const {
    QuantConfig config;
    config.tensors[TensorType::kWeights].per_channel = per_channel;
    QuantizedModel model =
        QuantizeModel(builder.model, {{MakeFloatTensor("x", {1, 2, 6, 6}, x)}}, config);
    CalibrationTable table;
    Histogram::BinScratch scratch;
    const std::vector<float>& values = seen.empty() ? x : seen;
    table.values["x"].Observe(values, TensorStatistics::Detail::kHistogram, scratch);
    ValuePlan& input = model.plan.values.at("x");
    if (range.max > 0) {
      input.range = range;
      input.params.scales = {(range.max - range.min) / 255};
    }
    const Graph& graph = model.float_model.graph;
    return DescribeLayers(graph, model.plan, table, CostModel(graph, {}), std::move(errors));
  }

  GraphBuilder builder;
  std::vector<float> x;
  bool per_channel = false;
  std::vector<float> seen;  // by calibration; empty: x
  Range range;              // of x, other than calibrated
};

std::vector<Finding::Cause> CausesOf(const LayerReport& report) {
  std::vector<Finding::Cause> causes;
  for (const Finding& finding : report.layers[0].findings) causes.push_back(finding.cause);
  return causes;
}

TEST(LayerReportTest, RowsSayWhatNodesBecame) {
  const LayerReport report = Convolution().Describe();
  ASSERT_THAT(report.layers, SizeIs(2));
  EXPECT_EQ(report.layers[0].name, "conv");
  EXPECT_EQ(report.layers[0].computes, "integer");
  EXPECT_EQ(report.layers[0].format, "uint8 x int8");
  EXPECT_EQ(report.layers[0].weight_bytes, 72);
  EXPECT_EQ(report.layers[0].multiply_adds, 4 * 4 * 4 * 18);
  EXPECT_EQ(report.layers[1].computes, "fused");
  EXPECT_EQ(report.layers[1].fused_into, 0U);
  EXPECT_FALSE(report.layers[0].fused_into.has_value());
  EXPECT_THAT(report.layers[1].reads, ElementsAre(0U));
  EXPECT_THAT(report.layers[0].reads, IsEmpty());
}

TEST(LayerReportTest, SettingsGoByTheNodeOfTheLoadedModel) {
  Convolution model;
  model.builder.model.graph.nodes[0].origin = "block";
  const LayerReport report = model.Describe();
  EXPECT_EQ(report.layers[0].name, "conv");
  EXPECT_EQ(report.layers[0].origin, "block");
  EXPECT_EQ(report.layers[1].origin, "relu");
}

TEST(LayerReportTest, SharesAreOfTheErrorsAlone) {
  LayerErrors errors;
  errors.nodes.resize(2);
  errors.nodes[0].alone = 3e-4;
  errors.nodes[1].alone = 1e-4;
  const LayerReport report = Convolution().Describe(errors);
  EXPECT_DOUBLE_EQ(report.layers[0].share, 0.75);
  EXPECT_THAT(Culprits(report), ElementsAre(0U, 1U));
  EXPECT_THAT(Culprits(Convolution().Describe()), IsEmpty());
}

TEST(LayerReportTest, PlainWeightsAndValuesHaveNoCause) {
  EXPECT_THAT(CausesOf(Convolution().Describe()), IsEmpty());
}

TEST(LayerReportTest, AnOutlierChannelIsFoundAndItsVictimsAreDead) {
  Convolution wide;
  wide.Scale(2, 2000);
  const LayerReport report = wide.Describe();
  EXPECT_THAT(CausesOf(report),
              ElementsAre(Finding::Cause::kDeadChannels, Finding::Cause::kOutlierChannel));
  EXPECT_THAT(report.layers[0].findings[0].text, HasSubstr("3 channels of the weights are 0"));
  EXPECT_THAT(report.layers[0].findings[1].text, HasSubstr("channel 2"));
  EXPECT_EQ(report.layers[0].findings[1].advice, "--set weights.per_channel=true");
  wide.per_channel = true;
  EXPECT_THAT(CausesOf(wide.Describe()), IsEmpty());
}

TEST(LayerReportTest, AFewLargeValuesAreOutliers) {
  Convolution model;
  model.seen = RandomFloats(5000, 1);
  model.seen[77] = 1000;
  model.range = {-4, 1000};
  const LayerReport report = model.Describe();
  EXPECT_THAT(CausesOf(report), ElementsAre(Finding::Cause::kOutliers));
  EXPECT_THAT(report.layers[0].findings[0].text, HasSubstr("99.9 % of \"x\" take 1 of 255 steps"));
  model.range = {-4, 4};
  EXPECT_THAT(CausesOf(model.Describe()), IsEmpty()) << "one value clipped is no saturation";
}

TEST(LayerReportTest, ClippedValuesAreSaturation) {
  Convolution model;
  EXPECT_THAT(model.Describe().values[0].clipped, 0);
  model.range = {-0.5F, 0.5F};
  const LayerReport report = model.Describe();
  EXPECT_THAT(CausesOf(report), ElementsAre(Finding::Cause::kSaturation));
  const auto beyond =
      std::count_if(model.x.begin(), model.x.end(), [](float v) { return std::fabs(v) > 0.5F; });
  EXPECT_NEAR(report.values[0].clipped, static_cast<double>(beyond) / 72, 1e-9);
}

TEST(LayerReportTest, InputsOnScalesFarApartClash) {
  GraphBuilder b;
  b.Input("a", {"1", "64"}).Input("b", {"1", "64"}).Output("y");
  b.Add("Add", {"a", "b"}, {"y"}).name = "sum";
  const std::vector<Tensor> sample = {RandomTensor("a", {1, 64}, 1),
                                      RandomTensor("b", {1, 64}, 2, 100)};
  const QuantizedModel model = QuantizeModel(b.model, {sample});
  CalibrationTable table;
  Histogram::BinScratch scratch;
  for (const Tensor& value : sample)
    table.values[value.name].Observe(value.values<float>(), TensorStatistics::Detail::kHistogram,
                                     scratch);
  const Graph& graph = model.float_model.graph;
  const LayerReport report = DescribeLayers(graph, model.plan, table, CostModel(graph, {}), {});
  EXPECT_THAT(CausesOf(report), ElementsAre(Finding::Cause::kRangeClash));
  EXPECT_THAT(report.layers[0].findings[0].text, HasSubstr("\"b\" is"));
  EXPECT_EQ(report.layers[0].findings[0].advice, "--keep-float 'sum'");
}

LayerReport DescribeOn(const Model& float_model, const std::vector<Tensor>& sample) {
  const QuantizedModel model = QuantizeModel(float_model, {sample});
  const Graph& graph = model.float_model.graph;
  return DescribeLayers(graph, model.plan, model.table, CostModel(graph, {}), {});
}

// The findings of one cause at a node.
std::vector<Finding> FindingsOf(const LayerReport& report, const std::string& node,
                                Finding::Cause cause) {
  std::vector<Finding> found;
  for (const LayerRow& row : report.layers) {
    if (row.name != node) continue;
    std::copy_if(row.findings.begin(), row.findings.end(), std::back_inserter(found),
                 [&](const Finding& one) { return one.cause == cause; });
  }
  return found;
}

// x -> MatMul "front" -> u -> MatMul "transform" -> `between` -> Mul (square) -> p -> MatMul "bank"
// -> Max -> `last` -> y.
LayerReport Spectrum(const std::string& between, const std::string& last = "Log") {
  GraphBuilder b;
  b.Input("x", {"64", "16"}).Output("y").Floats("floor", {1}, {1e-6F});
  b.Random("w1", {16, 16}).Random("w2", {16, 16}).Random("w3", {16, 8});
  b.Add("MatMul", {"x", "w1"}, {"u"}).name = "front";
  b.Add("MatMul", {"u", "w2"}, {"v"}).name = "transform";
  b.Add(between, {"v"}, {"a"}).name = "between";
  b.Add("Mul", {"a", "a"}, {"p"}).name = "square";
  b.Add("MatMul", {"p", "w3"}, {"e"}).name = "bank";
  b.Add("Max", {"e", "floor"}, {"m"}).name = "max";
  b.Add(last, {"m"}, {"y"}).name = "last";
  return DescribeOn(b.model, {RandomTensor("x", {64, 16}, 5)});
}

TEST(LayerReportTest, WhatIsRoundedNearZeroInFrontOfALogarithmIsNamed) {
  const LayerReport report = Spectrum("Abs");
  const auto front = FindingsOf(report, "front", Finding::Cause::kLogarithm);
  ASSERT_THAT(front, SizeIs(1));
  EXPECT_THAT(front[0].text, HasSubstr("are within 2 steps of 0, in front of a logarithm"));
  EXPECT_EQ(front[0].advice, "--keep-float 'front'");
  const auto square = FindingsOf(report, "square", Finding::Cause::kLogarithm);
  const auto bank = FindingsOf(report, "bank", Finding::Cause::kLogarithm);
  EXPECT_THAT(square.size() + bank.size(), 1U) << "where the square is rounded";
  EXPECT_THAT(FindingsOf(Spectrum("Sigmoid"), "front", Finding::Cause::kLogarithm), IsEmpty())
      << "an activation lies between";
  EXPECT_THAT(FindingsOf(Spectrum("Abs", "Sqrt"), "front", Finding::Cause::kLogarithm), IsEmpty());
}

// x -> s0, and s_k = s_k-1 + MatMul(Relu(s_k-1)) for k of 1 to 3, with `after` behind each sum.
LayerReport Residual(float spread, const std::string& after) {
  GraphBuilder b;
  b.Input("x", {"32", "16"}).Output("y").Random("w", {16, 16}, 0.25F);
  b.Add("MatMul", {"x", "w"}, {"s0"}).name = "stem";
  for (int k = 1; k <= 3; ++k) {
    const std::string n = std::to_string(k);
    const std::string s = "s" + std::to_string(k - 1);
    b.Random("w" + n, {16, 16}, spread);
    b.Add("Relu", {s}, {"r" + n}).name = "relu" + n;
    b.Add("MatMul", {"r" + n, "w" + n}, {"b" + n}).name = "branch" + n;
    b.Add("Add", {s, "b" + n}, {"a" + n}).name = "sum" + n;
    b.Add(after, {"a" + n}, {"s" + n}).name = "after" + n;
  }
  b.Add("MatMul", {"s3", "w"}, {"y"}).name = "head";
  return DescribeOn(b.model, {RandomTensor("x", {32, 16}, 6)});
}

TEST(LayerReportTest, APathThatGrowsFromBlockToBlockIsNamed) {
  const auto at = [](const LayerReport& report, const char* node) {
    return FindingsOf(report, node, Finding::Cause::kResidualGrowth);
  };
  const LayerReport grows = Residual(2, "LeakyRelu");
  EXPECT_THAT(at(grows, "sum1"), IsEmpty()) << "one sum is no path";
  ASSERT_THAT(at(grows, "sum3"), SizeIs(1));
  EXPECT_THAT(at(grows, "sum3")[0].text, HasSubstr("after 3 sums the path is"));
  EXPECT_THAT(at(grows, "sum3")[0].text, HasSubstr("as wide as \"s0\""));
  EXPECT_THAT(at(Residual(0.25F, "LeakyRelu"), "sum3"), IsEmpty()) << "it does not grow";
  EXPECT_THAT(at(Residual(2, "Softmax"), "sum3"), IsEmpty()) << "each sum begins anew";
}

TEST(LayerReportTest, DrawingsHoldAllThatWasSeen) {
  const LayerReport report = Convolution().Describe();
  ASSERT_THAT(report.values, SizeIs(2));  // x and y
  const ValueRow& x = report.values[0];
  EXPECT_EQ(x.name, "x");
  EXPECT_FALSE(x.layer.has_value());
  ASSERT_THAT(x.bins, SizeIs(kHistogramBins));
  EXPECT_NEAR(std::accumulate(x.bins.begin(), x.bins.end(), 0.0), 1, 1e-9);
  EXPECT_EQ(report.values[1].layer, 0U) << "the fused unit begins with the Conv";
  ASSERT_THAT(report.weights, SizeIs(1));
  ASSERT_THAT(report.weights[0].boxes, SizeIs(4));
  for (const WeightRow::Box& box : report.weights[0].boxes) {
    EXPECT_LE(box.min, box.low);
    EXPECT_LE(box.low, box.median);
    EXPECT_LE(box.median, box.high);
    EXPECT_LE(box.high, box.max);
  }
}

TEST(ReportPageTest, NoNameCanEndItsElement) {
  Convolution model;
  const std::string evil = "</script><img src=x onerror=alert(1)><!--";
  model.builder.model.graph.nodes[0].name = evil;
  ConversionReport conversion;
  conversion.input = evil;
  conversion.warnings = {evil};
  const std::string json = LayersJson(conversion, "success", model.Describe());
  const std::string page = ReportPage(json);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const size_t begin = page.find(open) + open.size();
  const auto data = nlohmann::json::parse(page.substr(begin, page.find("</script", begin) - begin));
  EXPECT_EQ(data["layers"][0]["name"], evil);
  EXPECT_EQ(data, nlohmann::json::parse(json));
}

TEST(ReportPageTest, ThePageIsWholeAndAsksForNothing) {
  const std::string page = ReportPage("{}");
  EXPECT_THAT(page, HasSubstr("uPlot"));
  EXPECT_THAT(page, HasSubstr("dagre"));
  EXPECT_THAT(page, HasSubstr("svgPanZoom"));
  EXPECT_THAT(page, HasSubstr("Redistribution and use in source and binary forms"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* left : {"{{", " src=", "@import", "sourceMappingURL", "<link"})
    EXPECT_THAT(page.substr(0, page.find("<script>")), Not(HasSubstr(left))) << left;
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
}

TEST(ReportPageTest, JsonHoldsTheVerdictAndLeavesOutWhatWasNotMeasured) {
  ConversionReport conversion;
  conversion.input = "m.onnx";
  const auto base = nlohmann::json::parse(ReportJson(conversion, "success"));
  LayerErrors errors;
  errors.nodes.resize(2);
  errors.nodes[0].alone = 1e-4;
  errors.whole = 1e-3;
  errors.samples = 2;
  const auto json =
      nlohmann::json::parse(LayersJson(conversion, "success", Convolution().Describe(errors)));
  for (const auto& [key, value] : base.items()) EXPECT_EQ(json.at(key), value) << key;
  EXPECT_EQ(json["layers"][1]["fused_into"], 0);
  EXPECT_EQ(json["measured"]["sqnr_db"], 30);
  EXPECT_EQ(json["layers"][0]["sqnr_alone_db"], 40);
  EXPECT_FALSE(json["layers"][0].contains("sqnr_without_db"));
  EXPECT_FALSE(json["layers"][1].contains("sqnr_alone_db"));
}

}  // namespace
}  // namespace qconvert

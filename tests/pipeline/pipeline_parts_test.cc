// Small functions of the pipeline: noises, shifts, inner values, names at the borders, settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "apply_settings.h"
#include "border_names.h"
#include "deploy_model.h"
#include "expected_output.h"
#include "fold_inputs.h"
#include "inner_values.h"
#include "layer_files.h"
#include "noise_of_outputs.h"
#include "qconvert/config/config_node.h"
#include "qconvert/pipeline/convert.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An output whose samples have these noises (error power over signal power 1).
OutputComparison WithNoises(const std::vector<double>& noises) {
  OutputComparison output;
  output.type = DataType::kFloat;
  for (const double noise : noises) {
    output.samples.push_back({1, noise, {}});
    output.sums.float_power += 1;
    output.sums.error_power += noise;
    output.sums.count += 10;
  }
  return output;
}

TEST(NoisesTest, OfAPlanThatDoesNotRunAreAllThatNoiseCanBe) {
  Measured measured;
  measured.failure = "no kernel";
  EXPECT_THAT(JudgedNoises(measured, 0), ElementsAre(kMostNoise));
  EXPECT_THAT(JudgedNoises(measured, 3), ElementsAre(kMostNoise, kMostNoise, kMostNoise));
  EXPECT_THAT(TypicalNoises(measured, 2, {}), ElementsAre(kMostNoise, kMostNoise));
}

TEST(NoisesTest, InfiniteOnesCanBeAdded) {
  Measured measured;
  measured.outputs = {WithNoises({1e-4, 1e-2}), WithNoises({})};
  measured.verdict.outputs = {{.name = "a", .noise = 0.5},
                              {.name = "b", .noise = std::numeric_limits<double>::infinity()}};
  measured.verdict.noise = std::numeric_limits<double>::infinity();
  EXPECT_THAT(JudgedNoises(measured, 2), ElementsAre(0.5, kMostNoise));
  EXPECT_THAT(JudgedNoises(measured, 0), ElementsAre(kMostNoise)) << "nobody knows how many";
  const std::vector<double> typical = TypicalNoises(measured, 2, {});
  ASSERT_EQ(typical.size(), 2U);
  EXPECT_NEAR(typical[0], 1e-3, 1e-9) << "the geometric mean of its samples";
  EXPECT_EQ(typical[1], kMostNoise) << "without samples what is judged";
  measured.verdict.outputs[0].noise = 0;
  EXPECT_EQ(TypicalNoises(measured, 2, {})[0], 0) << "what does not count stays out";
}

TEST(NoisesTest, OfSomeSamplesAlone) {
  const std::vector<OutputComparison> outputs = {WithNoises({1e-4, 1e-2, 1e-1}),
                                                 WithNoises({1e-6, 1e-6, 1})};
  EXPECT_NEAR(TypicalNoiseOf(outputs, {0}), 1e-4, 1e-9) << "of the worst output";
  EXPECT_NEAR(TypicalNoiseOf(outputs, {0, 1}), 1e-3, 1e-9);
  EXPECT_NEAR(TypicalNoiseOf(outputs, {2}), 1, 1e-9) << "of the other one here";
  EXPECT_NEAR(TypicalNoiseOf(outputs, {1, 99}), 1e-2, 1e-9) << "there is no sample 99";
  EXPECT_EQ(TypicalNoiseOf(outputs, {}), TypicalNoise(outputs));
}

Tensor Rows(std::vector<int64_t> dims, const std::vector<float>& values) {
  return MakeFloatTensor("y", std::move(dims), values);
}

TEST(FindShiftTest, IsTheMeanDifferenceOfEachChannel) {
  const ExpectedOutput seen = SeeOutput({Rows({2, 2}, {1, 10, 3, 30})}, ChannelAxis::kLast, {}, 2);
  EXPECT_THAT(seen.means, ElementsAre(ElementsAre(2, 20)));
  EXPECT_THAT(seen.dims, ElementsAre(ElementsAre(2, 2)));
  const auto shift = FindShift(seen, {Rows({2, 2}, {0, 10, 2, 26})}, ChannelAxis::kLast, {}, 1);
  ASSERT_TRUE(shift.has_value());
  EXPECT_THAT(*shift, ElementsAre(1, 2));
}

TEST(FindShiftTest, NothingWhereShapesDifferOrThereAreNoChannels) {
  const Tensor square = Rows({2, 2}, {1, 2, 3, 4});
  const ExpectedOutput seen = SeeOutput({square, square}, ChannelAxis::kLast, {}, 1);
  EXPECT_FALSE(
      FindShift(seen, {square, Rows({1, 2}, {1, 2})}, ChannelAxis::kLast, {}, 1).has_value());
  const ExpectedOutput mixed =
      SeeOutput({square, Rows({1, 3}, {1, 2, 3})}, ChannelAxis::kLast, {}, 1);
  EXPECT_THAT(mixed.sums, IsEmpty());
  EXPECT_FALSE(
      FindShift(mixed, {square, Rows({1, 3}, {1, 2, 3})}, ChannelAxis::kLast, {}, 1).has_value());
  const ExpectedOutput flat = SeeOutput({Rows({2}, {1, 2})}, ChannelAxis::kLast, {}, 1);
  EXPECT_FALSE(FindShift(flat, {Rows({2}, {1, 2})}, ChannelAxis::kLast, {}, 1).has_value())
      << "of one dimension";
}

// x -> Neg -> n -> (Q -> DQ ->) Abs -> a -> Neg -> y
Graph Chain(bool quantized) {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y").Floats("s", {}, {1});
  b.Add("Neg", {"x"}, {"n"});
  if (quantized) {
    b.Add("QuantizeLinear", {"n", "s"}, {"n_q"});
    b.Add("DequantizeLinear", {"n_q", "s"}, {"n_dq"});
  }
  b.Add("Abs", {quantized ? "n_dq" : "n"}, {"a"});
  b.Add("Neg", {"a"}, {"y"});
  return b.model.graph;
}

TEST(InnerValuesTest, AreSeenBehindTheirPair) {
  const Graph quantized = Chain(true);
  const Topology topology(quantized);
  EXPECT_EQ(SeenByReaders(quantized, topology, "n"), "n_dq");
  EXPECT_EQ(SeenByReaders(quantized, topology, "a"), "a");
  EXPECT_EQ(SeenByReaders(quantized, topology, "s"), "s") << "as a scale it is not quantized";
  EXPECT_EQ(SeenByReaders(quantized, topology, "not there"), "not there");
}

TEST(InnerValuesTest, ThoseOfBothModelsThatNoOutputGivesInTheOrderOfNodes) {
  const ValueSizes sizes = {{"x", 4}, {"n", 4}, {"a", 4}, {"y", 4}, {"n_q", 4}};
  const std::vector<InnerValue> found = MatchInnerValues(Chain(false), Chain(true), sizes);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "n");
  EXPECT_EQ(found[0].op_type, "Neg");
  EXPECT_EQ(found[0].shown_a, "n");
  EXPECT_EQ(found[0].shown_b, "n_dq");
  EXPECT_EQ(found[1].name, "a");
  EXPECT_THAT(MatchInnerValues(Chain(false), Chain(true), {{"n", 4}}), testing::SizeIs(1))
      << "of known size";
  EXPECT_THAT(MatchInnerValues(Chain(false), Graph(), sizes), IsEmpty());
}

// Rows: bytes that fit -> how many values each group has. Values of 8, 4, 40 and 4 bytes.
TEST(InnerValuesTest, GroupsHaveAsManyAsFitAndLargeOnesAreAlone) {
  const std::vector<InnerValue> values = {
      {"a", "", "", ""}, {"b", "", "", ""}, {"c", "", "", ""}, {"d", "", "", ""}};
  const ValueSizes sizes = {{"a", 2}, {"b", 1}, {"c", 10}, {"d", 1}};
  const std::vector<std::pair<size_t, std::vector<size_t>>> rows = {
      {1000, {4}},     {56, {4}},          {55, {3, 1}},     {52, {3, 1}},
      {12, {2, 1, 1}}, {11, {1, 1, 1, 1}}, {0, {1, 1, 1, 1}}};
  for (const auto& [bytes, expected] : rows) {
    std::vector<size_t> counts;
    for (const auto& group : GroupBySize(values, sizes, bytes)) counts.push_back(group.size());
    EXPECT_EQ(counts, expected) << bytes;
  }
  EXPECT_THAT(GroupBySize({}, sizes, 10), IsEmpty());
}

DeploymentConfig Removing(std::vector<std::string> names, std::vector<std::string> kept = {}) {
  DeploymentConfig deployment;
  deployment.remove_node_names = std::move(names);
  deployment.keep_node_names = std::move(kept);
  return deployment;
}

Graph Named() {
  GraphBuilder b;
  b.Input("img", {"4"}).Output("y");
  b.Add("Neg", {"img"}, {"n"}).name = "Neg_0";
  b.Add("Abs", {"n"}, {"y"}).name = "Abs_1";
  return b.model.graph;
}

TEST(BorderNamesTest, AreThoseOfNodesAndOfWhatComesToTheBorders) {
  EXPECT_THAT(BorderNamesOf({}, Named()), IsEmpty()) << "no file asks";
  EXPECT_THAT(BorderNamesOf(Removing({"any"}), Named()),
              ElementsAre("Abs_1", "Neg_0", "img_Quantize_0", "y_Dequantize_0"));
}

// Rows: a name of remove_node_name, and whether some node may be meant by it.
TEST(BorderNamesTest, VendorsSuffixesAreKnownByWhatIsInFront) {
  const std::vector<std::pair<std::string, bool>> rows = {{"Neg_0", true},
                                                          {"img_Quantize_0", true},
                                                          {"y_Dequantize_0", true},
                                                          {"Neg_0_HzDequantize", true},
                                                          {"Neg_0_Dequantize_7", true},
                                                          {"n_HzQuantize", true},
                                                          {"img_y_Quantize_0", true},
                                                          {"img_uv_Quantize_0", true},
                                                          {"of_the_file", true},
                                                          {"Neg_0_Dequantize_x", false},
                                                          {"Neg_0_Dequantize_", false},
                                                          {"Neg_0_Cast_0", false},
                                                          {"Conv_0_HzDequantize", false},
                                                          {"Neg", false}};
  for (const auto& [name, is_known] : rows) {
    ModelConfig config;
    config.config.deployment = Removing({name});
    if (is_known) {
      EXPECT_NO_THROW(CheckBorderNames(config, {"of_the_file"}, Named())) << name;
    } else {
      EXPECT_THROW(CheckBorderNames(config, {"of_the_file"}, Named()), ConfigError) << name;
    }
  }
}

TEST(BorderNamesTest, TheListAndTheNearestNameAreTold) {
  ModelConfig config;
  config.config.deployment = Removing({}, {"Abs_2"});
  EXPECT_THAT([&] { CheckBorderNames(config, {}, Named()); },
              testing::Throws<ConfigError>(testing::Property(
                  &ConfigError::what,
                  testing::AllOf(HasSubstr("keep_node_name has \"Abs_2\", which is no node of the "
                                           "model"),
                                 HasSubstr("Abs_1")))));
}

TEST(BorderNamesTest, ListsThatDidNothingAreWarnings) {
  DeployedNodes deployed;
  EXPECT_THAT(RemarkOnIdleRemovals(deployed, {}), IsEmpty());
  deployed.idle_types = {"Cast"};
  deployed.idle_kept = {"a", "b"};
  const std::vector<std::string> warnings = RemarkOnIdleRemovals(deployed, {});
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0],
            "remove_node_type has no effect for Cast: none stands at an input or output that can "
            "do without");
  EXPECT_EQ(warnings[1],
            "keep_node_name has no effect for a, b: nothing else would have removed it");
}

TEST(FreezeShapesTest, TheOnlyInputNeedsNoNameAndOthersStay) {
  GraphBuilder b;
  b.Input("x", {"n", "3"}).Input("z", {"n"});
  InputSettings of_x;
  of_x.name = "x";
  of_x.shape = {2, 3};
  FreezeShapes({of_x}, b.model.graph);
  EXPECT_EQ((*b.model.graph.inputs[0].type.shape)[0].value, 2);
  EXPECT_FALSE((*b.model.graph.inputs[1].type.shape)[0].known());
  InputSettings unnamed;
  FreezeShapes({unnamed}, b.model.graph);
  EXPECT_EQ(b.model.graph.inputs[0].type.shape->size(), 2U) << "nothing is said of shapes";
  unnamed.shape = {7};
  FreezeShapes({unnamed}, b.model.graph);
  EXPECT_EQ((*b.model.graph.inputs[1].type.shape)[0].value, 7);
}

// Rows: what is asked (-1: nothing), what the model has, the device -> the opset; 0: an error.
TEST(ExportedOpsetTest, IsWhatIsAskedOrTheLeastThatTheFormNeeds) {
  struct Row {
    int64_t asked;
    int64_t has;
    TargetDevice device;
    int64_t expected;
  };
  const std::vector<Row> rows = {{-1, 11, TargetDevice::kCpu, 13}, {-1, 17, TargetDevice::kCpu, 13},
                                 {-1, 17, TargetDevice::kGpu, 19}, {17, 17, TargetDevice::kCpu, 17},
                                 {17, 13, TargetDevice::kCpu, 17}, {13, 17, TargetDevice::kCpu, 0},
                                 {99, 17, TargetDevice::kCpu, 0}};
  for (const Row& row : rows) {
    ModelConfig config;
    config.config.onnx_opset_version = static_cast<int>(row.asked);
    config.config.target_device = row.device;
    Model model;
    model.opsets[""] = row.has;
    if (row.expected > 0) {
      EXPECT_EQ(ExportedOpset(config, model), row.expected) << row.asked << " of " << row.has;
    } else {
      EXPECT_THROW(ExportedOpset(config, model), ConfigError) << row.asked << " of " << row.has;
    }
  }
}

TEST(EvensProductsTest, OnlyOfStaticPlansForTheEngineWithoutEntries) {
  QuantConfig config;
  config.scheme = Scheme::kStatic;
  EXPECT_TRUE(EvensProducts(config));
  const std::vector<std::function<void(QuantConfig&)>> changes = {
      [](QuantConfig& c) { c.scheme = Scheme::kAuto; },
      [](QuantConfig& c) { c.effort = Effort::kFast; },
      [](QuantConfig& c) { c.layers.emplace_back(); },
      [](QuantConfig& c) { c.target_device = TargetDevice::kQnn; },
      [](QuantConfig& c) { c.tensors.weights.compat = Compat::kVitis; }};
  for (size_t k = 0; k < changes.size(); ++k) {
    QuantConfig changed = config;
    changes[k](changed);
    EXPECT_FALSE(EvensProducts(changed)) << k;
  }
}

TEST(InheritLayersTest, ANodeMadeOfANamedOneHasItsEntryUnlessItHasItsOwn) {
  Graph graph = Named();
  graph.nodes[0].origin = "block";
  graph.nodes[1].origin = "block";
  ModelSettings settings;
  settings.layer_of = {{"block", 3}, {"Abs_1", 5}};
  InheritLayers(graph, settings);
  EXPECT_EQ(settings.layer_of.at("Neg_0"), 3U);
  EXPECT_EQ(settings.layer_of.at("Abs_1"), 5U);
  graph.nodes[0].origin = "unknown";
  settings.layer_of = {{"block", 3}};
  InheritLayers(graph, settings);
  EXPECT_FALSE(settings.layer_of.contains("Neg_0"));
}

TEST(AfterFoldingTest, OfMeanAndScaleIsLeftWhatTheModelDoesNotDo) {
  DeploymentConfig deployment;
  deployment.inputs.resize(3);
  deployment.inputs[0].name = "x";
  deployment.inputs[0].mean = {100, 110, 120};
  deployment.inputs[0].scale = {0.5};
  deployment.inputs[1].name = "z";
  deployment.inputs[1].mean = {7};
  deployment.inputs[2].name = "plain";
  FoldedInputs folded;
  folded["x"] = {{100, 100, 120}, {0.5}, 1};
  folded["plain"] = {{1}, {1}, 1};
  const DeploymentConfig after = AfterFolding(deployment, folded);
  EXPECT_THAT(after.inputs[0].mean, ElementsAre(0, 10, 0));
  EXPECT_THAT(after.inputs[0].scale, IsEmpty());
  EXPECT_THAT(after.inputs[1].mean, ElementsAre(7)) << "not folded";
  EXPECT_THAT(after.inputs[2].mean, IsEmpty()) << "it never was normalized";
}

TEST(LayerFilesTest, ThePageThenItsJsonForHorizonThenTheNodeData) {
  ConvertOptions options;
  EXPECT_THAT(LayerFilePaths(options), IsEmpty());
  options.page = "out/page.html";
  EXPECT_THAT(LayerFilePaths(options), ElementsAre("out/page.html"));
  options.node_data = "nodes.json";
  options.config.deployment.generation = Generation::kJ6;
  EXPECT_THAT(LayerFilePaths(options), ElementsAre("out/page.html", "out/page.json", "nodes.json"));
  LayerReport layers;
  const std::vector<std::string> texts = LayerFileTexts(options, {}, layers);
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_THAT(texts[0], HasSubstr("<html"));
  EXPECT_EQ(texts[1].front(), '{');
  options.page.clear();
  EXPECT_EQ(LayerFileTexts(options, {}, layers).size(), 1U);
}

}  // namespace
}  // namespace qconvert

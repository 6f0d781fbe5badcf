// Which settings hold for a node or value, and what they keep in float.
#include "qconvert/plan/node_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/config_node.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// x ─ Conv "first" ─ Relu "clamp" ─ Conv "middle" ─ Add "sum" (with r) ─ MatMul "last" ─ y
GraphBuilder Layers() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"})
      .Output("y")
      .Random("w", {4, 4, 1, 1})
      .Random("v", {4, 4, 1, 1});
  b.Random("m", {4, 8});
  const auto add = [&](const char* type, const char* name, std::vector<std::string> inputs,
                       const char* output) {
    b.Add(type, std::move(inputs), {output}).name = name;
  };
  add("Conv", "first", {"x", "w"}, "c");
  add("Relu", "clamp", {"c"}, "r");
  add("Conv", "middle", {"r", "v"}, "d");
  add("Add", "sum", {"r", "d"}, "s");
  add("MatMul", "last", {"s", "m"}, "y");
  return b;
}

// Settings with an entry for each of these nodes.
ModelSettings WithEntries(const std::vector<std::pair<std::string, NodeSettings>>& entries,
                          QuantConfig config = {}) {
  ModelSettings settings(std::move(config));
  for (const auto& [name, tensors] : entries) {
    settings.layer_of[name] = settings.config.layers.size();
    LayerMatch match;
    match.place = "c.json:" + std::to_string(settings.config.layers.size() + 1) + ":7";
    settings.config.layers.push_back({match, tensors});
  }
  return settings;
}

NodeSettings WithActivation(int bits) {
  NodeSettings tensors = CpuInt8Settings();
  tensors.activation.bit_width = bits;
  return tensors;
}

NodeSettings Float() {
  NodeSettings tensors = CpuInt8Settings();
  for (const TensorType type : kTensorTypes) tensors[type].datatype = Datatype::kFloat32;
  return tensors;
}

std::map<std::string, std::string> Kept(const GraphBuilder& b, const ModelSettings& settings) {
  std::map<std::string, std::string> out;
  for (const auto& [n, reason] : FindNodesKeptFloat(b.model.graph, settings))
    out[b.model.graph.nodes[n].name] = reason;
  return out;
}

const TensorSettings* SettingsOf(const GraphBuilder& b, const ModelSettings& settings,
                                 const std::string& value, const Placement& placement = {}) {
  return FindValueSettings(b.model.graph, Topology(b.model.graph), placement, settings, value);
}

TEST(KeptFloatTest, NothingByItself) { EXPECT_THAT(Kept(Layers(), QuantConfig()), IsEmpty()); }

// One node of a float model: its clamp comes along, nothing else does.
TEST(FloatValuesTest, AUnitWithAnEntryOfItsHeadAloneWritesCodes) {
  QuantConfig config;
  config.tensors = Float();
  const GraphBuilder b = Layers();
  const auto values = [&](const ModelSettings& settings) {
    return FindFloatValues(b.model.graph, settings);
  };
  EXPECT_THAT(values(config), UnorderedElementsAre("x", "c", "r", "d", "s"));
  const ModelSettings head = WithEntries({{"first", CpuInt8Settings()}}, config);
  EXPECT_THAT(values(head), UnorderedElementsAre("d", "s")) << "r is read by float nodes alone";
  const ModelSettings apart =
      WithEntries({{"first", CpuInt8Settings()}, {"clamp", Float()}}, config);
  EXPECT_THAT(values(apart), testing::Contains("r"));
  const ModelSettings is_float = WithEntries({{"first", Float()}}, config);
  EXPECT_THAT(values(is_float), testing::Contains("r"));
}

// Of a float model the convolutions alone: neither clamp keeps its convolution float.
TEST(KeptFloatTest, AClampWithoutAnEntryGoesAlong) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("y").Random("w", {4, 4, 1, 1});
  b.Floats("lo", {}, {0}).Floats("hi", {}, {6});
  b.Add("Conv", {"x", "w"}, {"c"}).name = "conv";
  b.Add("Clip", {"c", "lo", "hi"}, {"r"}).name = "relu6";
  b.Add("Softmax", {"r"}, {"y"}).name = "softmax";
  QuantConfig config;
  config.tensors = Float();
  const auto entries = [&](const std::vector<std::pair<std::string, NodeSettings>>& some) {
    return Kept(b, WithEntries(some, config));
  };
  EXPECT_THAT(entries({{"conv", CpuInt8Settings()}}),
              ElementsAre(Pair("softmax", "the settings say float")));
  EXPECT_THAT(entries({{"conv", CpuInt8Settings()}, {"relu6", Float()}}),
              testing::Contains(Pair("conv", HasSubstr("which is kept float"))));
}

TEST(KeptFloatTest, FirstAndLastAreThoseWithWeights) {
  QuantConfig config;
  config.keep_first_last_layer_accuracy = true;
  EXPECT_THAT(Kept(Layers(), config),
              UnorderedElementsAre(Pair("first", "keep_first_last_layer_accuracy"),
                                   Pair("last", "keep_first_last_layer_accuracy")));
}

TEST(KeptFloatTest, SumsAreOfTwoValues) {
  GraphBuilder b = Layers();
  b.Random("bias", {8}).Output("z");
  b.Add("Add", {"y", "bias"}, {"z"}).name = "biased";
  QuantConfig config;
  config.keep_add_layer_accuracy = true;
  EXPECT_THAT(Kept(b, config), ElementsAre(Pair("sum", "keep_add_layer_accuracy")));
}

// Where the root says float, what only moves or clamps goes along with its neighbours; an entry
// that names such a node is meant.
TEST(KeptFloatTest, ClampsAreFloatOnlyWhereNamed) {
  QuantConfig config;
  config.tensors = Float();
  EXPECT_THAT(Kept(Layers(), config), UnorderedElementsAre(Pair("first", "the settings say float"),
                                                           Pair("middle", "the settings say float"),
                                                           Pair("sum", "the settings say float"),
                                                           Pair("last", "the settings say float")));
  EXPECT_THAT(Kept(Layers(), WithEntries({{"clamp", Float()}})),
              UnorderedElementsAre(
                  Pair("clamp", "the settings say float"),
                  Pair("first", "its kernel would compute \"clamp\" too, which is kept float")));
}

TEST(KeptFloatTest, FloatWeightsKeepTheirNodeFloatButNoOther) {
  QuantConfig config;
  config.tensors.weights.datatype = Datatype::kBfloat16;
  EXPECT_THAT(Kept(Layers(), config), UnorderedElementsAre(Pair("first", "the settings say float"),
                                                           Pair("middle", "the settings say float"),
                                                           Pair("last", "the settings say float")));
}

// Blocks have to divide the inner dimension; of a Conv they mean nothing.
TEST(KeptFloatTest, ProductsWithWeightsInBlocks) {
  QuantConfig config;
  config.tensors.weights.block_size = 4;
  EXPECT_THAT(
      Kept(Layers(), config),
      ElementsAre(Pair("last", "its weights are in blocks, which no integer kernel takes")));
  config.tensors.weights.block_size = 3;
  EXPECT_THAT(Kept(Layers(), config), IsEmpty());
  GraphBuilder b;
  b.Input("x", {"2", "6"}).Output("y").Random("w", {8, 6});
  Node& gemm = b.Add("Gemm", {"x", "w"}, {"y"});
  gemm.name = "g";
  EXPECT_THAT(Kept(b, config), IsEmpty()) << "8 is the inner dimension";
  b.model.graph.nodes[0].Set("transB", int64_t{1});
  EXPECT_EQ(Kept(b, config).size(), 1U) << "6 is";
}

TEST(FloatWeightsTest, AreThoseOfTheNodesWhoseSettingsSaySo) {
  const GraphBuilder b = Layers();
  EXPECT_THAT(FindFloatWeights(b.model.graph, QuantConfig()), IsEmpty());
  EXPECT_THAT(FindFloatWeights(b.model.graph, WithEntries({{"middle", Float()}})),
              ElementsAre("v"));
  QuantConfig config;
  config.keep_first_last_layer_accuracy = true;
  const std::set<std::string> ends = FindFloatWeights(b.model.graph, config);
  EXPECT_THAT(ends, testing::IsSupersetOf({"w", "m"}));
  EXPECT_FALSE(ends.contains("v"));
}

TEST(FloatValuesTest, AreThoseThatNoSettingQuantizes) {
  const GraphBuilder b = Layers();
  EXPECT_THAT(FindFloatValues(b.model.graph, QuantConfig()), IsEmpty());
  QuantConfig config;
  config.tensors = Float();
  EXPECT_THAT(FindFloatValues(b.model.graph, config),
              UnorderedElementsAre("x", "c", "r", "d", "s"));
}

TEST(ValueSettingsTest, AnInputHasThoseOfTheModelUnlessAReadersEntrySaysOthers) {
  const GraphBuilder b = Layers();
  NodeSettings own = CpuInt8Settings();
  own.input.bit_width = 12;
  EXPECT_EQ(SettingsOf(b, WithEntries({}), "x")->bit_width, 8);
  EXPECT_EQ(SettingsOf(b, WithEntries({{"first", own}}), "x")->bit_width, 12);
  EXPECT_EQ(SettingsOf(b, WithEntries({{"middle", own}}), "x")->bit_width, 8) << "reads no input";
  own.activation.datatype = Datatype::kFloat32;
  EXPECT_EQ(SettingsOf(b, WithEntries({{"first", own}}), "x")->bit_width, 8)
      << "the entry's node is float";
}

TEST(ValueSettingsTest, AValueHasTheActivationOfItsWriter) {
  const GraphBuilder b = Layers();
  const ModelSettings settings = WithEntries({{"middle", WithActivation(16)}});
  EXPECT_EQ(SettingsOf(b, settings, "d")->bit_width, 16);
  EXPECT_EQ(SettingsOf(b, settings, "c")->bit_width, 8);
}

// Behind a float writer the first reader that is quantized decides.
TEST(ValueSettingsTest, AFloatValueHasTheInputSettingsOfItsReader) {
  const GraphBuilder b = Layers();
  NodeSettings reader = CpuInt8Settings();
  reader.input.bit_width = 10;
  EXPECT_EQ(SettingsOf(b, WithEntries({{"middle", Float()}, {"sum", reader}}), "d")->bit_width, 10);
  QuantConfig all_float;
  all_float.tensors = Float();
  EXPECT_EQ(SettingsOf(b, WithEntries({}, all_float), "d"), nullptr);
}

Placement FirstWithItsClamp(const GraphBuilder& b) {
  Placement placement{.nodes = std::vector<NodePlacement>(b.model.graph.nodes.size())};
  placement.nodes[0] = {NodeDomain::kInteger, "", {{1}, FusedUnit::kNone, "r"}, {}};
  placement.nodes[1].domain = NodeDomain::kFused;
  return placement;
}

// A node and the clamp that its kernel computes write one value.
TEST(ValueSettingsTest, EntriesOfOneUnitHaveToAgree) {
  const GraphBuilder b = Layers();
  const Placement placement = FirstWithItsClamp(b);
  EXPECT_EQ(SettingsOf(b, WithEntries({{"first", WithActivation(12)}}), "r", placement)->bit_width,
            12)
      << "the clamp has no entry of its own";
  EXPECT_EQ(SettingsOf(b, WithEntries({{"clamp", WithActivation(12)}}), "r", placement)->bit_width,
            12);
  const ModelSettings both =
      WithEntries({{"first", WithActivation(12)}, {"clamp", WithActivation(16)}});
  EXPECT_THAT([&] { SettingsOf(b, both, "r", placement); },
              ThrowsError(ExitCode::kConfig,
                          "c.json:2:7: 'first' and 'clamp' are quantized as one, but their "
                          "activation settings differ"));
  ModelSettings vendor = both;
  vendor.config.deployment.generation = Generation::kJ6;
  EXPECT_EQ(SettingsOf(b, vendor, "r", placement)->bit_width, 16) << "more bits are passed on";
}

}  // namespace
}  // namespace qconvert

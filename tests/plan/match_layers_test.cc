// Which nodes an entry speaks of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/plan/node_settings.h"
#include "support/graph_builder.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// x -> a -> b -> c -> y, and b -> d -> z
Graph Chain() {
  GraphBuilder b;
  b.Input("x", {"4"}).Output("y").Output("z").Floats("w", {}, {2});
  b.Add("Relu", {"x"}, {"va"}).name = "a";
  b.Add("Abs", {"va"}, {"vb"}).name = "b";
  b.Add("Mul", {"vb", "w"}, {"y"}).name = "c";
  b.Add("Tanh", {"vb"}, {"z"}).name = "d";
  return b.model.graph;
}

struct Matched {
  std::vector<std::string> nodes;
  std::vector<std::string> warnings;
};

Matched Match(const std::string& more) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\nscheme: static\nmethod: maxmin\nscale_type: float\n"
      "calib_statistic_method: max\n" +
      more);
  Matched out;
  for (const auto& [name, layer] : MatchLayers(Chain(), loaded.config, out.warnings))
    out.nodes.push_back(name);
  return out;
}

Matched Entry(const std::string& keys) {
  return Match("layer_quantize_config:\n- {" + keys +
               ", overall_quantize_config: {datatype: float32}}\n");
}

TEST(MatchLayersTest, SubgraphsWithOneEndOpen) {
  EXPECT_THAT(Entry("layer_subgraph: {inputs: [a], outputs: [c]}").nodes,
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Entry("layer_subgraph: {inputs: [b]}").nodes, ElementsAre("b", "c", "d"));
  EXPECT_THAT(Entry("layer_subgraph: {outputs: [b]}").nodes, ElementsAre("a", "b"));
  EXPECT_THAT(Entry("layer_subgraph: {inputs: [b], outputs: [b]}").nodes, ElementsAre("b"));
}

TEST(MatchLayersTest, NodesThatFitANameAndAreOfATypeToo) {
  EXPECT_THAT(Entry("layer_name: '*', of_types: [Relu, Tanh]").nodes, ElementsAre("a", "d"));
  EXPECT_THAT(Entry("layer_name: 're:[ab]', of_types: [Abs]").nodes, ElementsAre("b"));
  EXPECT_THAT(Entry("layer_name: 'a', of_types: [Abs]").nodes, IsEmpty());
  EXPECT_THAT(Entry("layer_name: 'a', of_types: [NobodyKnows]").nodes, IsEmpty());
}

TEST(MatchLayersTest, TypesBesideATypeAreAnError) {
  try {
    Entry("layer_type: Relu, of_types: [Abs]");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.problems().at(0), HasSubstr("of_types stands beside a layer_name of ONNX"));
  }
}

TEST(MatchLayersTest, WhatIsOutsideOfASubgraph) {
  EXPECT_THAT(Entry("layer_subgraph: {inputs: [b], outputs: [c], outside: true}").nodes,
              ElementsAre("a", "d"));
  EXPECT_THAT(Entry("layer_subgraph: {outputs: [c, d], outside: true}").nodes, IsEmpty())
      << "nothing is left, which is no error";
}

TEST(MatchLayersTest, EntriesMayMissTheirNodes) {
  for (const char* keys :
       {"layer_name: zz", "layer_name: 'search:^/zz.*'", "layer_subgraph: {inputs: [zz]}"}) {
    EXPECT_THROW(Entry(keys), ConfigError) << keys;
    const Matched matched = Entry(std::string("optional: true, ") + keys);
    EXPECT_THAT(matched.nodes, IsEmpty());
    ASSERT_EQ(matched.warnings.size(), 1U) << keys;
    EXPECT_THAT(matched.warnings[0], HasSubstr("no node of the model is named '"));
    EXPECT_THAT(matched.warnings[0], HasSubstr(", the entry has no effect"));
    EXPECT_THAT(matched.warnings[0], testing::Not(HasSubstr("search:")));
  }
  EXPECT_THAT(Entry("optional: true, layer_name: 'search:^[ab]'").nodes, ElementsAre("a", "b"));
}

TEST(MatchLayersTest, TypesThatNobodyKnowsAreAWarning) {
  EXPECT_THAT(Entry("layer_type: MyBespokeOperator").warnings,
              ElementsAre(HasSubstr("has type 'MyBespokeOperator', and nobody knows it")));
  EXPECT_THAT(Entry("layer_type: LSTM").warnings, ElementsAre(HasSubstr("has type 'LSTM'")));
}

TEST(MatchLayersTest, ValuesThatAreNotThere) {
  const auto warnings = [](const std::string& value) {
    return Match("value_quantize_config: [{value: " + value + "}]\n").warnings;
  };
  EXPECT_THAT(warnings("x"), IsEmpty());
  EXPECT_THAT(warnings("vb"), IsEmpty());
  EXPECT_THAT(warnings("w"), ElementsAre(HasSubstr("'w' is a constant")));
  EXPECT_THAT(warnings("value_b"), ElementsAre(HasSubstr("no value of the model is named")));
}

// Entries for `layers` of TorchScript, on a graph of products with the weights of `modules`.
Matched MatchModules(const std::vector<std::string>& modules,
                     const std::vector<std::string>& layers) {
  GraphBuilder b;
  b.Input("x", {"1"}).Output("y");
  std::string value = "x";
  for (const std::string& module : modules) {
    b.Floats(module + ".weight", {1}, {2});
    b.Add("Mul", {value, module + ".weight"}, {"of_" + module}).name = "node of " + module;
    value = "of_" + module;
  }
  b.Add("Relu", {value}, {"y"}).name = "model.act";
  std::string entries = "layer_quantize_config:\n";
  for (const std::string& layer : layers)
    entries += "- {layer_name: 'N::N/" + layer +
               "/ret.3', overall_quantize_config: {datatype: float32}}\n";
  const LoadedConfig loaded = LoadText("target_device: CPU\n" + entries);
  Matched out;
  for (const auto& [name, layer] : MatchLayers(b.model.graph, loaded.config, out.warnings))
    out.nodes.push_back(name);
  return out;
}

TEST(MatchLayersTest, WrappersOfModulesAreLookedThrough) {
  for (const char* layer : {"Block[conv1]", "Net[module]/Block[conv1]", "Net[model]/Block[conv1]",
                            "Net[_orig_mod]/Net[module]/Block[conv1]"}) {
    for (const char* module : {"conv1", "module.conv1", "_orig_mod.model.conv1"}) {
      const Matched matched = MatchModules({module, "backbone.conv1", "conv10"}, {layer});
      EXPECT_THAT(matched.nodes, ElementsAre(std::string("node of ") + module)) << layer;
      EXPECT_THAT(matched.warnings, IsEmpty()) << layer;
    }
  }
  EXPECT_THAT(MatchModules({"a"}, {"Block[act]"}).nodes, ElementsAre("model.act"))
      << "a node named by its module";
}

TEST(MatchLayersTest, AModuleThatIsNotThereHasANeighbour) {
  EXPECT_THAT(MatchModules({"layer1.conv"}, {"Net[layer2]/Block[conv]", "Block[head]"}).warnings,
              ElementsAre(HasSubstr("comes from module 'layer2.conv', did you mean 'layer1.conv'?"),
                          testing::EndsWith("comes from module 'head'")));
}

TEST(MatchLayersTest, WrappersNeverChooseAmongModules) {
  const Matched matched =
      MatchModules({"module.conv1", "model.conv1", "conv2", "module.conv2"},
                   {"Block[conv1]", "Net[model]/Block[conv1]", "Block[conv2]",
                    "Net[_orig_mod]/Block[conv2]", "Net[net]/Block[conv2]", "Net[module]"});
  EXPECT_THAT(matched.nodes, ElementsAre("node of conv2", "node of model.conv1"))
      << "what is named in full is that";
  EXPECT_THAT(matched.warnings,
              ElementsAre(HasSubstr("module 'conv1'"), HasSubstr("module '_orig_mod.conv2'"),
                          HasSubstr("module 'net.conv2'"), HasSubstr("module 'module'")));
}

}  // namespace
}  // namespace qconvert

// Weights by output channel: which element belongs to which, and scaled ones in the engine.
#include "conv_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::Each;
using testing::ElementsAre;

struct Layer {
  const char* name;
  const char* type;
  std::vector<std::string> input;  // dims of x
  std::vector<int64_t> weight;
  int64_t channels;
  bool has_bias;
  std::function<void(Node&)> set;
};

std::vector<int64_t> Numbers(const std::vector<std::string>& dims) {
  std::vector<int64_t> out;
  for (const std::string& dim : dims) out.push_back(std::stoll(dim));
  return out;
}

GraphBuilder Build(const Layer& layer) {
  GraphBuilder b;
  b.Input("x", layer.input).Output("y").Random("w", layer.weight, 0.5F);
  std::vector<std::string> inputs = {"x", "w"};
  if (layer.has_bias) {
    b.Random("bias", {layer.channels});
    inputs.emplace_back("bias");
  }
  Node& node = b.Add(layer.type, inputs, {"y"});
  if (layer.set) layer.set(node);
  return b;
}

const std::vector<Layer> kLayers = {
    {"Conv", "Conv", {"1", "3", "5", "5"}, {4, 3, 2, 2}, 4, true, {}},
    {"Conv in groups",
     "Conv",
     {"1", "4", "5", "5"},
     {6, 2, 3, 3},
     6,
     false,
     [](Node& node) { node.Set("group", int64_t{2}); }},
    {"Conv of one axis", "Conv", {"2", "3", "7"}, {2, 3, 3}, 2, true, {}},
    {"ConvTranspose", "ConvTranspose", {"1", "3", "4", "4"}, {3, 2, 2, 2}, 2, true, {}},
    {"ConvTranspose by channel",
     "ConvTranspose",
     {"1", "3", "4", "4"},
     {3, 1, 2, 2},
     3,
     true,
     [](Node& node) { node.Set("group", int64_t{3}); }},
    {"ConvTranspose of two outputs a group",
     "ConvTranspose",
     {"1", "3", "4"},
     {3, 2, 2},
     6,
     false,
     [](Node& node) { node.Set("group", int64_t{3}); }},
    {"Gemm", "Gemm", {"2", "3"}, {3, 5}, 5, true, {}},
    {"Gemm turned",
     "Gemm",
     {"2", "3"},
     {5, 3},
     5,
     false,
     [](Node& node) { node.Set("transB", int64_t{1}); }},
};

// y'[o] = scale[o] y[o] + shift[o] at every position: channels are axis 1 of all of them.
TEST(ConvWeightsTest, ScaledLayersGiveScaledChannels) {
  for (const Layer& layer : kLayers) {
    SCOPED_TRACE(layer.name);
    GraphBuilder b = Build(layer);
    const std::vector<Tensor> x = {RandomTensor("x", Numbers(layer.input), 5)};
    const Tensor before = RunModel(b.model, x)[0];
    Graph& graph = b.model.graph;
    const auto weights = FindChannelWeights(graph, graph.nodes[0]);
    ASSERT_TRUE(weights);
    ASSERT_EQ(weights->channels, layer.channels);
    std::vector<double> scale;
    std::vector<double> shift;
    for (int64_t o = 0; o < layer.channels; ++o) {
      scale.push_back(o % 2 == 0 ? 0.5 + static_cast<double>(o) : -1.25);
      shift.push_back(10.0 * static_cast<double>(o) - 3);
    }
    NameMaker names(graph);
    ScaleChannels(graph, graph.nodes[0], *weights, scale, shift, names);
    const Tensor after = RunModel(b.model, x)[0];
    ASSERT_EQ(after.dims, before.dims);
    const auto from = before.values<float>();
    const auto to = after.values<float>();
    const auto channels = static_cast<size_t>(layer.channels);
    const size_t inner = from.size() / channels / static_cast<size_t>(before.dims[0]);
    for (size_t i = 0; i < from.size(); ++i) {
      const size_t o = i / inner % channels;
      EXPECT_NEAR(to[i], from[i] * scale[o] + shift[o], 1e-4) << i;
    }
    EXPECT_EQ(graph.initializers.count("w"), 1U) << "others may read the old ones";
  }
}

TEST(ConvWeightsTest, ABiasThatIsNotThereIsZeros) {
  GraphBuilder b = Build(kLayers[1]);
  const auto weights = FindChannelWeights(b.model.graph, b.model.graph.nodes[0]);
  ASSERT_TRUE(weights);
  EXPECT_THAT(weights->bias, testing::AllOf(testing::SizeIs(6), Each(0.0F)));
}

// A bias in a row, as exporters of Gemm write it.
TEST(ConvWeightsTest, ABiasMayHaveAnAxisMore) {
  GraphBuilder b;
  b.Random("w", {3, 2}).Floats("row", {1, 2}, {4, 5}).Floats("column", {2, 1}, {4, 5});
  b.Add("Gemm", {"x", "w", "row"}, {"y"});
  EXPECT_THAT(FindChannelWeights(b.model.graph, b.model.graph.nodes[0])->bias, ElementsAre(4, 5));
  b.model.graph.nodes[0].inputs[2] = "column";
  EXPECT_FALSE(FindChannelWeights(b.model.graph, b.model.graph.nodes[0])) << "one by sample";
}

TEST(ConvWeightsTest, WhatHasNoWeightByChannelIsNone) {
  struct Case {
    const char* name;
    std::function<void(GraphBuilder&)> build;
  };
  const std::vector<Case> cases = {
      {"computed weights",
       [](auto& b) {
         b.Add("Conv", {"x", "computed"}, {"y"});
       }},
      {"no weights", [](auto& b) { b.Add("Conv", {"x"}, {"y"}); }},
      {"weights of no elements",
       [](auto& b) {
         b.Floats("w", {0, 3, 1, 1}, {}).Add("Conv", {"x", "w"}, {"y"});
       }},
      {"integer weights",
       [](auto& b) {
         b.Ints("w", {1, 1, 1}, {1}).Add("Conv", {"x", "w"}, {"y"});
       }},
      {"too few axes",
       [](auto& b) {
         b.Random("w", {2, 2}).Add("Conv", {"x", "w"}, {"y"});
       }},
      {"several inputs a group",
       [](auto& b) {
         b.Random("w", {4, 1, 2}).Add("ConvTranspose", {"x", "w"}, {"y"}).Set("group", int64_t{2});
       }},
      {"groups that do not divide",
       [](auto& b) {
         b.Random("w", {3, 1, 2}).Add("ConvTranspose", {"x", "w"}, {"y"}).Set("group", int64_t{2});
       }},
      {"a group of none",
       [](auto& b) {
         b.Random("w", {3, 1, 2}).Add("ConvTranspose", {"x", "w"}, {"y"}).Set("group", int64_t{0});
       }},
      {"alpha",
       [](auto& b) {
         b.Random("w", {2, 2}).Add("Gemm", {"x", "w"}, {"y"}).Set("alpha", 2.0F);
       }},
      {"beta",
       [](auto& b) {
         b.Random("w", {2, 2}).Add("Gemm", {"x", "w"}, {"y"}).Set("beta", 0.5F);
       }},
      {"a computed bias",
       [](auto& b) {
         b.Random("w", {2, 2}).Add("Gemm", {"x", "w", "computed"}, {"y"});
       }},
      {"a scalar bias",
       [](auto& b) {
         b.Random("w", {2, 1}).Random("s", {}).Add("Gemm", {"x", "w", "s"}, {"y"});
       }},
      {"a bias of another length",
       [](auto& b) {
         b.Random("w", {2, 2}).Random("s", {3}).Add("Gemm", {"x", "w", "s"}, {"y"});
       }},
      {"another operator",
       [](auto& b) {
         b.Random("w", {2, 2}).Add("MatMul", {"x", "w"}, {"y"});
       }},
  };
  for (const Case& test : cases) {
    GraphBuilder b;
    test.build(b);
    EXPECT_FALSE(FindChannelWeights(b.model.graph, b.model.graph.nodes[0])) << test.name;
  }
}

// Pads of the Pad, or nothing.
std::optional<std::vector<int64_t>> PadsOf(const std::vector<int64_t>& pads,
                                           const std::function<void(GraphBuilder&, Node&)>& change,
                                           size_t rank = 4) {
  GraphBuilder b(18);
  b.Ints("pads", {static_cast<int64_t>(pads.size())}, pads);
  Node node = MakeNode("Pad", {"x", "pads"}, {"y"});
  if (change) change(b, node);
  return ZeroSpatialPads(b.model.graph, node, rank);
}

TEST(ZeroSpatialPadsTest, BeginsThenEndsByAxis) {
  EXPECT_THAT(*PadsOf({0, 0, 1, 2, 0, 0, 3, 4}, {}), ElementsAre(0, 0, 1, 2, 0, 0, 3, 4));
  const auto with_axes = [](std::vector<int64_t> axes) {
    return [axes](GraphBuilder& b, Node& node) {
      b.Ints("axes", {static_cast<int64_t>(axes.size())}, axes);
      node.inputs = {"x", "pads", "", "axes"};
    };
  };
  EXPECT_THAT(*PadsOf({1, 2, 3, 4}, with_axes({-1, 2})), ElementsAre(0, 0, 2, 1, 0, 0, 4, 3));
  EXPECT_THAT(*PadsOf({5, 6}, with_axes({2}), 3), ElementsAre(0, 0, 5, 0, 0, 6));
  EXPECT_THAT(*PadsOf({}, with_axes({})), Each(0)) << "pads nothing";
  EXPECT_FALSE(PadsOf({1, 1}, with_axes({4}))) << "an axis that is not there";
  EXPECT_FALSE(PadsOf({1, 1}, with_axes({-5})));
  EXPECT_FALSE(PadsOf({1, 1}, with_axes({1}))) << "channels";
  EXPECT_FALSE(PadsOf({0, 1}, with_axes({0}))) << "samples";
}

TEST(ZeroSpatialPadsTest, OfZerosAlone) {
  const std::vector<int64_t> pads = {0, 0, 1, 1, 0, 0, 1, 1};
  const auto with_value = [](float value) {
    return [value](GraphBuilder& b, Node& node) {
      b.Floats("v", {}, {value});
      node.inputs.emplace_back("v");
    };
  };
  EXPECT_TRUE(PadsOf(pads, with_value(0)));
  EXPECT_TRUE(PadsOf(pads, with_value(-0.0F)));
  EXPECT_FALSE(PadsOf(pads, with_value(1e-30F)));
  EXPECT_FALSE(PadsOf(pads, [](auto&, Node& node) { node.inputs.emplace_back("computed"); }));
  EXPECT_FALSE(PadsOf(pads, [](auto&, Node& node) { node.Set("mode", std::string("edge")); }));
  EXPECT_FALSE(PadsOf(pads, [](auto&, Node& node) { node.inputs[1] = "computed"; }));
  EXPECT_FALSE(PadsOf(pads, [](auto&, Node& node) { node.op_type = "Slice"; }));
  EXPECT_FALSE(PadsOf({0, 0, -1, 0, 0, 0, 0, 0}, {})) << "crops";
  EXPECT_FALSE(PadsOf({0, 0, 1, 1}, {})) << "of another rank";
}

}  // namespace
}  // namespace qconvert

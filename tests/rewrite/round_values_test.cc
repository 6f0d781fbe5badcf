// A file of rounded values computes what rounding after every node computes, bit for bit.
#include "qconvert/rewrite/round_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/weights/fill_codes.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

Tensor Rounded(const Tensor& tensor, DataType type) {
  return MakeFloatTensor(tensor.name, tensor.dims, ToFloats(Narrowed(tensor, type)));
}

GraphBuilder Network() {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Output("y");
  b.Random("w", {8, 8}).Random("b", {8}).Random("v", {8, 8}).Random("c", {8});
  b.Add("Gemm", {"x", "w", "b"}, {"m"});
  b.Add("Relu", {"m"}, {"r"});
  b.Add("Sigmoid", {"r"}, {"s"});
  b.Add("Gemm", {"s", "v", "c"}, {"y"});
  return b;
}

// Its nodes one by one, each result rounded.
Tensor RunRounded(const Model& model, Tensor value, DataType type) {
  value = Rounded(value, type);
  for (const Node& node : model.graph.nodes) {
    GraphBuilder one;
    one.Input(value.name, {"4", "8"}).Output(node.outputs[0]);
    for (const std::string& input : node.inputs) {
      if (const Tensor* constant = model.graph.FindInitializer(input))
        one.model.graph.initializers[input] = Rounded(*constant, type);
    }
    one.model.graph.nodes.push_back(node);
    value = RunModel(one.model, {value})[0];
    value.name = node.outputs[0];
    value = Rounded(value, type);
  }
  return value;
}

NodeSettings All(Datatype type) {
  NodeSettings settings;
  for (const TensorType tensor : kTensorTypes) settings[tensor].datatype = type;
  return settings;
}

struct RoundedModel {
  Model model;
  QuantizationPlan plan;
};

RoundedModel Round(Model model, const QuantConfig& config, const CalibrationTable& table) {
  PrepareModel(model, "test model");
  const ModelSettings settings(config);
  RoundedModel out;
  out.plan =
      MakePlan(model.graph,
               PlaceNodes(model.graph, {.keep_float = FindNodesKeptFloat(model.graph, settings)}),
               table, settings);
  CodeCache codes;
  CodeOptions options;
  options.keep = FindFloatWeights(model.graph, settings);
  FillCodes(model.graph, settings, options, codes, out.plan);
  ApplyPlan(model, out.plan);
  out.model = std::move(model);
  return out;
}

CalibrationTable TableOf(const std::map<std::string, float>& largest) {
  CalibrationTable table;
  Histogram::BinScratch scratch;
  for (const auto& [value, most] : largest) {
    table.values[value].Observe(std::vector<float>{-most, most},
                                TensorStatistics::Detail::kRangeOnly, scratch);
  }
  return table;
}

int CountCasts(const Model& model) {
  int count = 0;
  for (const Node& node : model.graph.nodes) count += node.Is("Cast") ? 1 : 0;
  return count;
}

TEST(RoundValuesTest, TheEngineComputesWhatRoundingAfterEveryNodeDoes) {
  const GraphBuilder b = Network();
  const CalibrationTable table = TableOf({{"x", 9}, {"m", 9}, {"r", 9}, {"s", 9}, {"y", 9}});
  for (const auto& [setting, type] : {std::pair{Datatype::kBfloat16, DataType::kBfloat16},
                                      std::pair{Datatype::kFloat16, DataType::kFloat16}}) {
    QuantConfig config;
    config.tensors = All(setting);
    const RoundedModel rounded = Round(b.model, config, table);
    EXPECT_THAT(rounded.plan.rounded.too_large, IsEmpty());
    EXPECT_EQ(CountCasts(rounded.model), 2 * 4 + 4) << "a Relu of rounded values needs none";
    const Tensor x = RandomTensor("x", {4, 8}, 3);
    const std::vector<float> expected = ToFloats(RunRounded(b.model, x, type));
    EXPECT_NE(expected, ToFloats(RunModel(b.model, {x})[0]));
    for (const bool optimize : {false, true})
      EXPECT_EQ(ToFloats(RunModel(rounded.model, {x}, optimize)[0]), expected) << optimize;
  }
}

TEST(RoundValuesTest, WhatFloat16CannotHoldStaysFloat32AndIsNamed) {
  GraphBuilder b = Network();
  b.Floats("c", {8}, {0, 0, 0, 0, 65519, 0, 0, 65520});
  QuantConfig config;
  config.tensors = All(Datatype::kFloat16);
  const RoundedModel rounded =
      Round(b.model, config, TableOf({{"x", 9}, {"m", 65519}, {"r", 9}, {"s", 65520}}));
  EXPECT_THAT(rounded.plan.rounded.too_large, UnorderedElementsAre("c", "s", "y"));
  const Tensor x = RandomTensor("x", {4, 8}, 3);
  for (const float v : ToFloats(RunModel(rounded.model, {x})[0])) EXPECT_TRUE(std::isfinite(v));
  config.tensors = All(Datatype::kBfloat16);
  EXPECT_THAT(Round(b.model, config, {}).plan.rounded.too_large, IsEmpty());
}

TEST(RoundValuesTest, AnIntegerNodeAmongThemKeepsItsKernel) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "5", "5"}).Output("y").Random("w", {4, 4, 3, 3});
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Conv", {"s", "w"}, {"c"}).name = "conv";
  b.Add("Tanh", {"c"}, {"y"});
  QuantConfig config;
  config.tensors = All(Datatype::kBfloat16);
  config.layers.push_back({{.kind = LayerMatch::Kind::kNode, .pattern = "conv"}, NodeSettings()});
  Model model = b.model;
  PrepareModel(model, "test model");
  ModelSettings settings(config);
  settings.layer_of["conv"] = 0;
  QuantizationPlan plan =
      MakePlan(model.graph,
               PlaceNodes(model.graph, {.keep_float = FindNodesKeptFloat(model.graph, settings)}),
               TableOf({{"s", 1}, {"c", 9}}), settings);
  CodeCache codes;
  FillCodes(model.graph, settings, {}, codes, plan);
  ApplyPlan(model, plan);
  EXPECT_EQ(plan.rounded.types.size(), 3U) << "x, s and y";
  EXPECT_EQ(OptimizedOperators(model)["QLinearConv"], 1);
}

TEST(RoundValuesTest, AWeightOfTwoMindsStaysFloat32) {
  GraphBuilder b = Network();
  b.model.graph.nodes[3].inputs[1] = "w";
  b.model.graph.nodes[3].name = "last";
  QuantConfig config;
  config.tensors = All(Datatype::kBfloat16);
  config.layers.push_back({{}, All(Datatype::kFloat32)});
  ModelSettings settings(config);
  settings.layer_of["last"] = 0;
  const Placement placement =
      PlaceNodes(b.model.graph, {.keep_float = {{0, ""}, {1, ""}, {2, ""}, {3, ""}}});
  Placement all_float = placement;
  for (NodePlacement& node : all_float.nodes) node.domain = NodeDomain::kFloat;
  const RoundedFloats found = FindRoundedWeights(b.model.graph, all_float, settings);
  EXPECT_THAT(found.types, UnorderedElementsAre(testing::Pair("b", DataType::kBfloat16)));
}

TEST(RoundToGridsTest, FloatsBecomeWhatTheirCodesStandFor) {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Output("y").Random("w", {8, 8});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const Tensor x = RandomTensor("x", {4, 8}, 1);
  const NumericFormat format = IntegerFormat(16, /*is_signed=*/false, /*symmetric=*/false);
  const ValueGrid fine{ParamsFromRange({-0.7F, 1.1F}, format), format};
  const ValueGrid coarse{ParamsFromRange({-2, 2}, FullFormat(DataType::kUint8)),
                         FullFormat(DataType::kUint8)};
  Model rounded = b.model;
  RoundToGrids(rounded.graph, {{"x", fine}, {"y", coarse}, {"gone", fine}});
  const auto on_grid = [](const Tensor& tensor, const ValueGrid& grid) {
    std::vector<float> floats = ToFloats(tensor);
    const int32_t zero = grid.params.zero_points[0];
    for (float& value : floats) {
      const float code = std::nearbyint(value / grid.params.scales[0]);
      value = std::clamp(code, static_cast<float>(grid.format.qmin - zero),
                         static_cast<float>(grid.format.qmax - zero)) *
              grid.params.scales[0];
    }
    return MakeFloatTensor(tensor.name, tensor.dims, floats);
  };
  const Tensor between = RunModel(b.model, {on_grid(x, fine)})[0];
  EXPECT_EQ(ToFloats(RunModel(rounded, {x})[0]), ToFloats(on_grid(between, coarse)));
  EXPECT_NE(ToFloats(RunModel(rounded, {x})[0]), ToFloats(RunModel(b.model, {x})[0]));
}

}  // namespace
}  // namespace qconvert

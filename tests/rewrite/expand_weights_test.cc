#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/rewrite/expand_codes.h"
#include "qconvert/rewrite/store_weights.h"
#include "qconvert/weights/fill_codes.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::map<std::string, StoredWeight> StoredOf(const Model& model, const CodeOptions& options = {}) {
  QuantizationPlan plan;
  plan.placement.nodes.resize(model.graph.nodes.size());
  CodeCache cache;
  FillCodes(model.graph, {}, options, cache, plan);
  return plan.stored;
}

// The weights as the engine computes them of what is written.
std::vector<Tensor> MadeByTheEngine(Model model, const std::map<std::string, StoredWeight>& stored,
                                    const std::vector<Tensor>& inputs) {
  StoreWeights(model, stored);
  model.graph.outputs.clear();
  for (const auto& [way, weight] : stored) model.graph.outputs.push_back({weight.name, {}, {}, {}});
  return RunModel(model, inputs);
}

void ExpectTheSame(const Model& model, const CodeOptions& options,
                   const std::vector<Tensor>& inputs) {
  const std::map<std::string, StoredWeight> stored = StoredOf(model, options);
  ASSERT_FALSE(stored.empty());
  const std::vector<Tensor> expected = MadeByTheEngine(model, stored, inputs);
  for (const int workers : {1, 3}) {
    Model expanded = model;
    FloatCache cache(workers);
    ExpandWeights(expanded, stored, cache);
    EXPECT_EQ(expanded.graph.nodes.size(), model.graph.nodes.size());
    for (size_t w = 0; w < expected.size(); ++w) {
      const Tensor* actual = expanded.graph.FindInitializer(expected[w].name);
      ASSERT_NE(actual, nullptr) << expected[w].name;
      EXPECT_EQ(actual->type, DataType::kFloat);
      EXPECT_EQ(actual->dims, expected[w].dims) << expected[w].name;
      EXPECT_EQ(*actual->bytes, *expected[w].bytes) << expected[w].name << ": bit for bit";
    }
  }
}

GraphBuilder ConvAndMatMul() {
  GraphBuilder b;
  b.Input("x", {"1", "16", "12", "12"}).Output("y");
  b.Random("w", {32, 16, 3, 3}, 0.2F).Random("m", {10, 24}, 3.0F);
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("MatMul", {"c", "m"}, {"y"});
  return b;
}

TEST(ExpandWeightsTest, TheFloatsAreThoseThatTheEngineMakes) {
  ExpectTheSame(ConvAndMatMul().model, {}, {RandomTensor("x", {1, 16, 12, 12}, 1)});
}

// What is read from a written file has codes and the nodes behind them.
TEST(ExpandCodesTest, WhatWasWrittenBecomesTheSameFloats) {
  const Model model = ConvAndMatMul().model;
  const auto stored = StoredOf(model, {.wide = {"w"}});
  Model expanded = model;
  FloatCache cache;
  ExpandWeights(expanded, stored, cache);
  Model written = model;
  StoreWeights(written, stored);
  written.graph.value_info["w"] = {"w", {}, {}, {}};
  EXPECT_EQ(ExpandCodes(written.graph), 2U);
  EXPECT_EQ(written.graph.nodes.size(), model.graph.nodes.size());
  EXPECT_FALSE(written.graph.value_info.contains("w"));
  for (const char* name : {"w", "m"}) {
    ASSERT_NE(written.graph.FindInitializer(name), nullptr) << name;
    EXPECT_TRUE(HaveSameElements(*written.graph.FindInitializer(name),
                                 *expanded.graph.FindInitializer(name)))
        << name;
  }
}

TEST(ExpandCodesTest, CodesThatOthersReadAndOtherProductsStay) {
  const Model model = ConvAndMatMul().model;
  Model written = model;
  StoreWeights(written, StoredOf(model));
  const size_t nodes = written.graph.nodes.size();
  Graph read_twice = written.graph;
  for (const Node& node : written.graph.nodes) {
    if (!node.Is("Cast")) continue;
    read_twice.nodes.push_back(MakeNode("Identity", {node.inputs[0]}, {node.inputs[0] + "_out"}));
  }
  EXPECT_EQ(ExpandCodes(read_twice), 0U);
  EXPECT_EQ(read_twice.nodes.size(), nodes + 2);
  Graph by_value = written.graph;
  for (Node& node : by_value.nodes)
    if (node.Is("Mul")) node.inputs[1] = "x";
  EXPECT_EQ(ExpandCodes(by_value), 0U);
  Graph plain = model.graph;
  EXPECT_EQ(ExpandCodes(plain), 0U);
}

TEST(ExpandWeightsTest, AlsoIn16Bit) {
  const Model model = ConvAndMatMul().model;
  const auto stored = StoredOf(model, {.wide = {"w"}});
  EXPECT_EQ(stored.at("w").codes.type, DataType::kInt16);
  EXPECT_EQ(stored.at("m").codes.type, DataType::kInt8);
  ExpectTheSame(model, {.wide = {"w"}}, {RandomTensor("x", {1, 16, 12, 12}, 1)});
}

// The bytes that a model has for a weight after its plan's codes were expanded.
const std::string* FloatsOf(const Model& model, const std::map<std::string, StoredWeight>& stored,
                            const std::string& name, FloatCache& cache) {
  Model expanded = model;
  ExpandWeights(expanded, stored, cache);
  return expanded.graph.FindInitializer(name)->bytes.get();
}

TEST(ExpandWeightsTest, ACacheThatIsClearedHoldsNoFloats) {
  Model expanded = ConvAndMatMul().model;
  FloatCache cache;
  ExpandWeights(expanded, StoredOf(expanded), cache);
  const std::weak_ptr<const std::string> floats = expanded.graph.FindInitializer("w")->bytes;
  expanded = {};
  EXPECT_FALSE(floats.expired());
  cache.Clear();
  EXPECT_TRUE(floats.expired());
}

TEST(ExpandWeightsTest, FloatsOfTheSameCodesAreMadeOnce) {
  const Model model = ConvAndMatMul().model;
  const auto narrow = StoredOf(model);
  auto wide = narrow;
  wide["w"] = StoredOf(model, {.wide = {"w"}}).at("w");
  FloatCache cache;
  const std::string* w = FloatsOf(model, narrow, "w", cache);
  const std::string* m = FloatsOf(model, narrow, "m", cache);
  const std::string before = *w;
  EXPECT_EQ(FloatsOf(model, narrow, "w", cache), w);
  EXPECT_EQ(FloatsOf(model, wide, "m", cache), m) << "another weight has other codes";
  EXPECT_NE(*FloatsOf(model, wide, "w", cache), before);
  EXPECT_EQ(*FloatsOf(model, narrow, "w", cache), before);
}

// They may be as much as the model.
TEST(ExpandWeightsTest, ManyFloatsThatThePresentPlanDoesNotReadGo) {
  const Model small = ConvAndMatMul().model;
  const auto codes_of_small = StoredOf(small);
  for (const int64_t count : {int64_t{16}, int64_t{70} << 20}) {
    Model large;
    large.graph.initializers["large"];
    StoredWeight codes{
        .name = "large", .codes = {}, .dims = {}, .scale_dims = {1}, .scales = {0.5F}};
    codes.codes.type = DataType::kInt8;
    codes.codes.dims = {count};
    codes.codes.bytes = std::make_shared<std::string>(static_cast<size_t>(count), '\1');
    FloatCache cache;
    ExpandWeights(large, {{"large", codes}}, cache);
    const std::weak_ptr<const std::string> floats = large.graph.initializers["large"].bytes;
    large = {};
    EXPECT_FALSE(floats.expired()) << "for the next plan";
    FloatsOf(small, codes_of_small, "m", cache);
    EXPECT_EQ(floats.expired(), count > 16);
  }
}

TEST(ExpandWeightsTest, OtherScalesAreOtherFloats) {
  const Model model = ConvAndMatMul().model;
  auto stored = StoredOf(model);
  FloatCache cache;
  const std::string before = *FloatsOf(model, stored, "m", cache);
  for (float& scale : stored["m"].scales) scale *= 2;
  const std::string after = *FloatsOf(model, stored, "m", cache);
  const auto* was = reinterpret_cast<const float*>(before.data());
  const auto* is = reinterpret_cast<const float*>(after.data());
  for (size_t i = 0; i < before.size() / sizeof(float); ++i) ASSERT_EQ(is[i], 2 * was[i]) << i;
}

TEST(ExpandWeightsTest, ScalesOnTwoAxes) {
  for (const int64_t groups : {int64_t{1}, int64_t{4}, int64_t{8}}) {
    GraphBuilder b;
    b.Input("x", {"1", "8", "5", "5"}).Output("y").Random("w", {8, 6, 3, 3}, 0.5F);
    b.Add("ConvTranspose", {"x", "w"}, {"y"}).Set("group", groups);
    ExpectTheSame(b.model, {}, {RandomTensor("x", {1, 8, 5, 5}, 2)});
  }
  GraphBuilder b;
  b.Input("x", {"2", "3", "4", "16"}).Output("y").Random("w", {3, 16, 24}, 0.5F);
  b.Add("Einsum", {"x", "w"}, {"y"}).Set("equation", std::string("bhij,hjk->bhik"));
  ExpectTheSame(b.model, {}, {RandomTensor("x", {2, 3, 4, 16}, 2)});
}

TEST(ExpandWeightsTest, LargestCodesOfAnAxisInTheMiddle) {
  GraphBuilder b;
  b.Input("x", {"7", "1", "16"}).Output("y").Random("w", {1, 64, 16}).Random("r", {1, 64, 16});
  b.Add("LSTM", {"x", "w", "r"}, {"y"}).Set("hidden_size", int64_t{16});
  ExpectTheSame(b.model, {}, {RandomTensor("x", {7, 1, 16}, 2)});
}

TEST(ExpandWeightsTest, WeightsOfBodies) {
  GraphBuilder body;
  body.Random("w", {64, 64});
  body.Output("t").Add("MatMul", {"x", "w"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"4", "64"}).Input("c", {}, DataType::kBool).Output("y").Random("w", {64, 64}, 2.0F);
  b.Add("MatMul", {"x", "w"}, {"o"});
  Node& branch = b.Add("If", {"c"}, {"i"});
  branch.Set("then_branch", Subgraph(body.model.graph));
  branch.Set("else_branch", Subgraph(body.model.graph));
  b.Add("Add", {"o", "i"}, {"y"});
  const auto stored = StoredOf(b.model);
  ASSERT_EQ(stored.size(), 3U) << "one of each graph";
  Model expanded = b.model;
  FloatCache cache;
  ExpandWeights(expanded, stored, cache);
  Model written = b.model;
  StoreWeights(written, stored);
  const Tensor yes = MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{1});
  const std::vector<Tensor> inputs = {RandomTensor("x", {4, 64}, 5), yes};
  EXPECT_EQ(*RunModel(expanded, inputs)[0].bytes, *RunModel(written, inputs)[0].bytes);
  EXPECT_GT(MaxDifference(RunModel(expanded, inputs)[0], RunModel(b.model, inputs)[0]), 0);
}

// A product and a Gemm with turned weights, both with inner dimensions of 64.
GraphBuilder Products(int64_t opset) {
  GraphBuilder b(opset);
  b.Input("x", {"3", "64"}).Output("y").Output("z");
  b.Random("w", {64, 20}).Random("g", {20, 64}).Random("odd", {20, 7});
  b.Add("MatMul", {"x", "w"}, {"y"});
  b.Add("Gemm", {"x", "g"}, {"h"}).Set("transB", int64_t{1});
  b.Add("MatMul", {"h", "odd"}, {"z"});
  return b;
}

std::map<std::string, StoredWeight> StoredAsAsked(const Model& model, int bits, int block_size) {
  ModelSettings settings;
  settings.config.tensors.weights.bit_width = bits;
  settings.config.tensors.weights.block_size = block_size;
  QuantizationPlan plan;
  plan.placement.nodes.resize(model.graph.nodes.size());
  CodeCache cache;
  FillCodes(model.graph, settings, {}, cache, plan);
  return plan.stored;
}

TEST(BlockTest, EveryBlockHasItsOwnScale) {
  const Model model = Products(13).model;
  const auto stored = StoredAsAsked(model, 4, 16);
  EXPECT_EQ(stored.at("w").scale_dims, (std::vector<int64_t>{4, 1, 20}));
  EXPECT_EQ(stored.at("g").scale_dims, (std::vector<int64_t>{20, 4, 1}));
  EXPECT_EQ(stored.at("odd").block_size, 0) << "20 rows are no whole blocks: one scale per column";
  const auto codes = stored.at("w").codes.values<int8_t>();
  const auto weights = model.graph.FindInitializer("w")->values<float>();
  for (size_t k = 0; k < 64; ++k) {
    for (size_t n = 0; n < 20; ++n) {
      float largest = 0;
      for (size_t r = k / 16 * 16; r < k / 16 * 16 + 16; ++r)
        largest = std::max(largest, std::fabs(weights[r * 20 + n]));
      const float scale = stored.at("w").scales[k / 16 * 20 + n];
      EXPECT_FLOAT_EQ(scale, largest / 7);
      EXPECT_EQ(codes[k * 20 + n], std::nearbyint(weights[k * 20 + n] / scale));
    }
  }
}

TEST(BlockTest, EveryFormInTheFileIsTheSameWeightsBitForBit) {
  const std::vector<Tensor> x = {RandomTensor("x", {3, 64}, 5)};
  for (const int64_t opset : {13, 21, 25}) {
    for (const int bits : {2, 3, 4, 5, 8, 12}) {
      for (const int block : {0, 16, 32, 64}) {
        for (const StoredAs form :
             {StoredAs::kProduct, StoredAs::kBlocksPacked, StoredAs::kDequantizeLinear}) {
          SCOPED_TRACE(testing::Message() << opset << " " << bits << " " << block);
          Model model = Products(opset).model;
          model.ir_version = opset < 21 ? 8 : 13;
          const auto stored = StoredAsAsked(model, bits, block);
          Model expanded = model;
          FloatCache cache;
          ExpandWeights(expanded, stored, cache);
          StoreWeights(model, stored, form);
          const bool dequantized =
              form == StoredAs::kDequantizeLinear
                  ? (block == 0 && bits <= 8) || opset >= 21
                  : form == StoredAs::kBlocksPacked && block > 0 && opset >= 21;
          const auto is_dequantize = [](const Node& n) { return n.Is("DequantizeLinear"); };
          EXPECT_EQ(
              std::count_if(model.graph.nodes.begin(), model.graph.nodes.end(), is_dequantize) >= 2,
              dequantized);
          const std::vector<Tensor> expected = RunModel(expanded, x);
          const std::vector<Tensor> got = RunModel(model, x);
          for (size_t o = 0; o < expected.size(); ++o) EXPECT_EQ(*got[o].bytes, *expected[o].bytes);
        }
      }
    }
  }
}

TEST(BlockTest, NewerOpsetsHoldFewBitsInFewBits) {
  const auto type_of = [](int64_t opset, int bits) {
    Model model = Products(opset).model;
    StoreWeights(model, StoredAsAsked(model, bits, 0));
    DataType type = DataType::kFloat;
    for (const auto& [name, tensor] : model.graph.initializers)
      if (tensor.dims == std::vector<int64_t>{64, 20}) type = tensor.type;
    return type;
  };
  EXPECT_EQ(type_of(20, 4), DataType::kInt8);
  EXPECT_EQ(type_of(21, 4), DataType::kInt4);
  EXPECT_EQ(type_of(21, 3), DataType::kInt4);
  EXPECT_EQ(type_of(24, 2), DataType::kInt4);
  EXPECT_EQ(type_of(25, 2), DataType::kInt2);
  EXPECT_EQ(type_of(25, 5), DataType::kInt8);
}

TEST(BlockTest, PackedCodesStandWithTheFirstInTheLowestBits) {
  EXPECT_EQ(PackCodes(std::vector<int32_t>{1, -1, -8}, DataType::kInt4), "\xF1\x08");
  EXPECT_EQ(PackCodes(std::vector<int32_t>{1, 15}, DataType::kUint4), "\xF1");
  EXPECT_EQ(PackCodes(std::vector<int32_t>{1, -1, -2, 0, 1}, DataType::kInt2), "\x2D\x01");
  EXPECT_EQ(PackCodes(std::vector<int32_t>{3, 2, 1, 0}, DataType::kUint2), "\x1B");
}

}  // namespace
}  // namespace qconvert

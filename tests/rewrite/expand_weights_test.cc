#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    ExpandWeights(expanded, stored, workers);
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

TEST(ExpandWeightsTest, AlsoIn16Bit) {
  const Model model = ConvAndMatMul().model;
  const auto stored = StoredOf(model, {.wide = {"w"}});
  EXPECT_EQ(stored.at("w").codes.type, DataType::kInt16);
  EXPECT_EQ(stored.at("m").codes.type, DataType::kInt8);
  ExpectTheSame(model, {.wide = {"w"}}, {RandomTensor("x", {1, 16, 12, 12}, 1)});
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
  ExpandWeights(expanded, stored, 1);
  Model written = b.model;
  StoreWeights(written, stored);
  const Tensor yes = MakeTensor<uint8_t>("c", DataType::kBool, {}, std::vector<uint8_t>{1});
  const std::vector<Tensor> inputs = {RandomTensor("x", {4, 64}, 5), yes};
  EXPECT_EQ(*RunModel(expanded, inputs)[0].bytes, *RunModel(written, inputs)[0].bytes);
  EXPECT_GT(MaxDifference(RunModel(expanded, inputs)[0], RunModel(b.model, inputs)[0]), 0);
}

}  // namespace
}  // namespace qconvert

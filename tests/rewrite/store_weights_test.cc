#include "qconvert/rewrite/store_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/fill_codes.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// The plan of a model whose nodes all compute in float, or are quantized at run time.
QuantizationPlan PlanCodes(const Model& model, const CodeOptions& options,
                           const ModelSettings& settings = {}) {
  QuantizationPlan plan;
  plan.placement.nodes.resize(model.graph.nodes.size());
  CodeCache cache;
  FillCodes(model.graph, settings, options, cache, plan);
  return plan;
}

std::map<std::string, StoredWeight> Store(Model& model, const CodeOptions& options = {}) {
  QuantizationPlan plan = PlanCodes(model, options);
  ApplyPlan(model, plan);
  return plan.stored;
}

// Quantizes at run time what can be, and returns how many nodes that were.
size_t QuantizeAllDynamically(Model& model, const ModelSettings& settings = {}) {
  CodeOptions options;
  for (size_t n = 0; n < model.graph.nodes.size(); ++n)
    if (CanBeDynamic(model.graph, model.graph.nodes[n])) options.dynamic.insert(n);
  ApplyPlan(model, PlanCodes(model, options, settings));
  return options.dynamic.size();
}

double SqnrDb(const Tensor& expected, const Tensor& actual) {
  double power = 0;
  double error = 1e-30;
  const auto x = expected.values<float>();
  const auto y = actual.values<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    power += static_cast<double>(x[i]) * x[i];
    error += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
  }
  return 10 * std::log10(power / error);
}

GraphBuilder ConvModel() {
  GraphBuilder b;
  b.Input("x", {"1", "16", "12", "12"}).Output("y").Random("w", {32, 16, 3, 3}, 0.2F);
  b.Add("Conv", {"x", "w"}, {"y"});
  return b;
}

TEST(StoreWeightsTest, EveryProductWithAConstantIsTaken) {
  GraphBuilder b;
  b.Input("x", {"1", "64", "12"}).Output("y");
  b.Random("e", {64, 48}).Random("a", {48, 40}).Random("g", {1, 24, 40});
  b.Add("Einsum", {"x", "e"}, {"s"}).Set("equation", std::string("bij, ik -> jk"));  // [12, 48]
  b.Ints("rest", {2}, {48, 12});
  b.Add("Reshape", {"s", "rest"}, {"m"});
  b.Add("Gemm", {"a", "m"}, {"p"}).Set("transA", int64_t{1});  // [40, 12]
  b.Add("MatMul", {"g", "p"}, {"y"});
  Model model = b.model;
  const std::map<std::string, StoredWeight> stored = Store(model);
  ASSERT_EQ(stored.size(), 3U);
  const std::vector<Tensor> inputs = {RandomTensor("x", {1, 64, 12}, 3)};
  EXPECT_GT(SqnrDb(RunModel(b.model, inputs)[0], RunModel(model, inputs)[0]), 30);
}

TEST(WeightSlotTest, EinsumSumsOverTheLettersThatTheResultLacks) {
  const auto axes = [](const char* equation, size_t slot, size_t rank) {
    Node node = MakeNode("Einsum", {"a", "b"}, {"y"});
    node.Set("equation", std::string(equation));
    const auto found = FindWeightSlot(node, slot, rank);
    return found ? found->channel_axes : std::vector<size_t>{99};
  };
  using Axes = std::vector<size_t>;
  EXPECT_EQ(axes("bij,jk->bik", 1, 2), (Axes{1}));
  EXPECT_EQ(axes("bij,kj->bik", 1, 2), (Axes{0}));
  EXPECT_EQ(axes("bhij,hjk->bhik", 1, 3), (Axes{0, 2}));
  EXPECT_EQ(axes("ij,jk", 1, 2), (Axes{1})) << "implicit result ik";
  const Axes none = {99};
  EXPECT_EQ(axes("bij,jk->bijk", 1, 2), none) << "nothing is summed over";
  EXPECT_EQ(axes("bij,jj->bi", 1, 2), none);
  EXPECT_EQ(axes("b...j,jk->b...k", 1, 2), none);
  EXPECT_EQ(axes("bij->bi", 1, 2), none) << "no such operand";
  EXPECT_EQ(axes("bij,jkl->bik", 1, 4), none) << "another rank";
}

TEST(StoreWeightsTest, ValuesAreThoseOfDequantizeLinear) {
  GraphBuilder b = ConvModel();
  const auto original = ToFloats(*b.model.graph.FindInitializer("w"));
  const auto stored = Store(b.model);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored.at("w").scales.size(), 32U);
  EXPECT_EQ(b.model.graph.FindInitializer("w"), nullptr);
  b.model.graph.outputs = {{"w", FloatType({"32", "16", "3", "3"}), {}, {}}};
  const auto values = ToFloats(RunModel(b.model, {RandomTensor("x", {1, 16, 12, 12}, 1)})[0]);
  for (size_t channel = 0; channel < 32; ++channel) {
    float largest = 0;
    for (size_t k = 0; k < 144; ++k)
      largest = std::max(largest, std::fabs(original[channel * 144 + k]));
    const float scale = largest / 127;
    for (size_t k = 0; k < 144; ++k) {
      const size_t i = channel * 144 + k;
      EXPECT_EQ(values[i], std::nearbyint(original[i] / scale) * scale) << i;
    }
  }
}

TEST(StoreWeightsTest, TheEngineUnfoldsThemWhenItLoads) {
  GraphBuilder b = ConvModel();
  Store(b.model);
  const auto operators = OptimizedOperators(b.model);
  EXPECT_FALSE(operators.contains("Cast"));
  EXPECT_FALSE(operators.contains("Mul"));
  EXPECT_FALSE(operators.contains("DequantizeLinear"));
}

TEST(StoreWeightsTest, AQuarterOfTheBytesOrHalf) {
  GraphBuilder b = ConvModel();
  const size_t before = SerializeModel(b.model).size();
  GraphBuilder wide = b;
  Store(b.model);
  Store(wide.model, {.wide = {"w"}});
  EXPECT_LT(SerializeModel(b.model).size(), before * 30 / 100);
  EXPECT_LT(SerializeModel(wide.model).size(), before * 55 / 100);
  const std::vector<Tensor> x = {RandomTensor("x", {1, 16, 12, 12}, 1)};
  const Tensor expected = RunModel(ConvModel().model, x)[0];
  EXPECT_GT(SqnrDb(expected, RunModel(b.model, x)[0]), 40);
  EXPECT_GT(SqnrDb(expected, RunModel(wide.model, x)[0]), 85);
}

struct OperatorCase {
  const char* name;
  std::function<void(GraphBuilder&)> build;
  std::vector<int64_t> shape;
};

TEST(StoreWeightsTest, EveryOperatorWithWeights) {
  const std::vector<OperatorCase> cases = {
      {"ConvTranspose",
       [](GraphBuilder& b) {
         b.Random("w", {8, 16, 3, 3}), b.Add("ConvTranspose", {"x", "w"}, {"y"});
       },
       {1, 8, 6, 6}},
      {"Gemm",
       [](GraphBuilder& b) {
         b.Random("w", {32, 24}), b.Add("Gemm", {"x", "w"}, {"y"});
       },
       {4, 32}},
      {"Gemm transB",
       [](GraphBuilder& b) {
         b.Random("w", {24, 32}), b.Add("Gemm", {"x", "w"}, {"y"}).Set("transB", int64_t{1});
       },
       {4, 32}},
      {"MatMul batched",
       [](GraphBuilder& b) {
         b.Random("w", {3, 32, 24}), b.Add("MatMul", {"x", "w"}, {"y"});
       },
       {3, 4, 32}},
      {"MatMul constant left",
       [](GraphBuilder& b) {
         b.Random("w", {24, 32}), b.Add("MatMul", {"w", "x"}, {"y"});
       },
       {32, 4}},
      {"LSTM",
       [](GraphBuilder& b) {
         b.Random("w", {1, 64, 16}, 0.3F).Random("r", {1, 64, 16}, 0.3F);
         b.Add("LSTM", {"x", "w", "r"}, {"y"}).Set("hidden_size", int64_t{16});
       },
       {5, 1, 16}},
      {"GRU",
       [](GraphBuilder& b) {
         b.Random("w", {1, 48, 16}, 0.3F).Random("r", {1, 48, 16}, 0.3F);
         b.Add("GRU", {"x", "w", "r"}, {"y"}).Set("hidden_size", int64_t{16});
       },
       {5, 1, 16}},
  };
  for (const OperatorCase& test : cases) {
    GraphBuilder b;
    std::vector<std::string> dims;
    for (const int64_t d : test.shape) dims.push_back(std::to_string(d));
    b.Input("x", dims).Output("y");
    test.build(b);
    const std::vector<Tensor> x = {RandomTensor("x", test.shape, 3)};
    const Tensor expected = RunModel(b.model, x)[0];
    EXPECT_FALSE(Store(b.model).empty()) << test.name;
    EXPECT_GT(SqnrDb(expected, RunModel(b.model, x, true)[0]), 35) << test.name;
  }
}

TEST(StoreWeightsTest, LeavesAloneWhatWouldGrowAndWhatIsNoWeight) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Random("w", {8, 8}).Random("shift", {4096, 8});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "shift"}, {"y"});
  EXPECT_TRUE(Store(b.model).empty());
}

// Every group has output channels of its own, with scales of their own.
TEST(StoreWeightsTest, GroupsOfTransposedConvolutions) {
  for (const int64_t groups : {1, 2, 8, 16}) {
    GraphBuilder b;
    b.Input("x", {"1", "16", "6", "6"}).Output("y");
    std::vector<float> weights = RandomFloats(16 * 12 * 9, 7, 0.2F);
    // The channels of one group are a hundred times smaller than those of the others.
    const size_t per_group = weights.size() / static_cast<size_t>(groups);
    for (size_t i = 0; i < per_group; ++i) weights[i] *= groups > 1 ? 0.01F : 1.0F;
    b.Floats("w", {16, 12, 3, 3}, weights);
    b.Add("ConvTranspose", {"x", "w"}, {"y"}).Set("group", groups);
    const std::vector<Tensor> x = {RandomTensor("x", {1, 16, 6, 6}, 3)};
    const Tensor expected = RunModel(b.model, x)[0];
    const auto stored = Store(b.model);
    ASSERT_EQ(stored.size(), 1U) << groups;
    EXPECT_EQ(stored.at("w").scales.size(), static_cast<size_t>(12 * groups));
    const Tensor actual = RunModel(b.model, x, true)[0];
    EXPECT_GT(SqnrDb(expected, actual), 40) << groups;
    // The small group alone, which one scale for all groups would leave a step or two.
    const auto part = [&](const Tensor& whole) {
      const auto values = whole.values<float>();
      return MakeFloatTensor("", {static_cast<int64_t>(values.size()) / groups},
                             values.subspan(0, values.size() / static_cast<size_t>(groups)));
    };
    EXPECT_GT(SqnrDb(part(expected), part(actual)), 40) << groups;
    EXPECT_EQ(OptimizedOperators(b.model)["Reshape"], 0) << "unfolded when the engine loads";
  }
}

TEST(QuantizeDynamicallyTest, RunsOnIntegersAndStaysNear) {
  GraphBuilder b;
  b.Input("x", {"6", "64"}).Output("y").Random("w", {64, 48}, 0.2F).Random("b", {48});
  b.Random("v", {24, 48}, 0.2F);
  b.Add("Gemm", {"x", "w", "b"}, {"h"});
  b.Add("Gemm", {"h", "v"}, {"y"}).Set("transB", int64_t{1});
  const std::vector<Tensor> x = {RandomTensor("x", {6, 64}, 3)};
  const Tensor expected = RunModel(b.model, x)[0];
  EXPECT_EQ(QuantizeAllDynamically(b.model), 2U);
  EXPECT_GT(SqnrDb(expected, RunModel(b.model, x, true)[0]), 30);
  EXPECT_EQ(OptimizedOperators(b.model)["DynamicQuantizeMatMul"], 2);
}

struct GruCase {
  const char* direction;
  int64_t directions;
  bool has_bias;
  bool has_state;
  bool resets_product = true;  // linear_before_reset
};

Model GruModel(const GruCase& of) {
  const int64_t d = of.directions;
  GraphBuilder b;
  b.Input("x", {"7", "2", "24"}).Output("y").Output("last");
  if (of.has_state) b.Input("h", {std::to_string(d), "2", "32"});
  b.Random("w", {d, 96, 24}, 0.2F).Random("r", {d, 96, 32}, 0.2F).Random("b", {d, 192}, 0.3F);
  Node& gru = b.Add("GRU", {"x", "w", "r", of.has_bias ? "b" : "", "", of.has_state ? "h" : ""},
                    {"y", "last"});
  gru.Set("hidden_size", int64_t{32});
  gru.Set("linear_before_reset", int64_t{of.resets_product});
  gru.Set("direction", std::string(of.direction));
  return b.model;
}

TEST(QuantizeDynamicallyTest, GrusGoThroughTheirSteps) {
  for (const GruCase& of :
       {GruCase{"forward", 1, true, false}, GruCase{"forward", 1, false, true},
        GruCase{"reverse", 1, true, true}, GruCase{"bidirectional", 2, true, true},
        GruCase{"bidirectional", 2, false, false}, GruCase{"forward", 1, false, false, false},
        GruCase{"reverse", 1, true, false, false},
        GruCase{"bidirectional", 2, true, true, false}}) {
    const Model whole = GruModel(of);
    std::vector<Tensor> x = {RandomTensor("x", {7, 2, 24}, 3)};
    if (of.has_state) x.push_back(RandomTensor("h", {of.directions, 2, 32}, 4));
    const std::vector<Tensor> expected = RunModel(whole, x);
    for (const bool per_channel : {true, false}) {
      Model model = whole;
      ModelSettings settings;
      settings.config.tensors.weights.per_channel = per_channel;
      EXPECT_EQ(QuantizeAllDynamically(model, settings), 1U);
      const std::vector<Tensor> actual = RunModel(model, x, true);
      for (const size_t i : {0, 1}) {
        EXPECT_EQ(expected[i].dims, actual[i].dims);
        EXPECT_GT(SqnrDb(expected[i], actual[i]), 30) << of.direction << per_channel << i;
      }
      EXPECT_EQ(OptimizedOperators(model)["GRU"], 0);
    }
  }
}

TEST(QuantizeDynamicallyTest, LstmsKeepTheirStates) {
  GraphBuilder b;
  b.Input("x", {"7", "1", "24"}).Input("h", {"1", "1", "32"}).Output("y").Output("last");
  b.Random("w", {1, 128, 24}, 0.2F).Random("r", {1, 128, 32}, 0.2F).Random("b", {1, 256}, 0.1F);
  b.Floats("c", {1, 1, 32}, std::vector<float>(32, 0.1F));
  b.Add("LSTM", {"x", "w", "r", "b", "", "h", "c"}, {"y", "last"}).Set("hidden_size", int64_t{32});
  const std::vector<Tensor> x = {RandomTensor("x", {7, 1, 24}, 3),
                                 RandomTensor("h", {1, 1, 32}, 4)};
  const std::vector<Tensor> expected = RunModel(b.model, x);
  for (const bool per_channel : {true, false}) {
    Model model = b.model;
    ModelSettings settings;
    settings.config.tensors.weights.per_channel = per_channel;
    EXPECT_EQ(QuantizeAllDynamically(model, settings), 1U);
    const std::vector<Tensor> actual = RunModel(model, x, true);
    EXPECT_GT(SqnrDb(expected[0], actual[0]), 25) << per_channel;
    EXPECT_GT(SqnrDb(expected[1], actual[1]), 25) << per_channel;
    EXPECT_EQ(OptimizedOperators(model)["DynamicQuantizeLSTM"], 1);
  }
}

}  // namespace
}  // namespace qconvert

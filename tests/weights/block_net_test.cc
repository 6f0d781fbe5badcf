// The operators of a block against the engine, and their gradients against finite differences.
#include "block_net.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/output_positions.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

// x -> nodes -> y, all of them one block.
struct Case {
  std::string name;
  Dims entry;
  std::function<void(GraphBuilder&)> build;
};

void AddConv(GraphBuilder& b, const std::string& from, const std::string& to,
             std::vector<int64_t> weight, int64_t group = 1, std::vector<int64_t> pads = {},
             std::vector<int64_t> strides = {}) {
  b.Random("w" + to, weight).Random("b" + to, {weight[0]});
  Node& conv = b.Add("Conv", {from, "w" + to, "b" + to}, {to});
  if (group > 1) conv.Set("group", group);
  if (!pads.empty()) conv.Set("pads", pads);
  if (!strides.empty()) conv.Set("strides", strides);
}

void AddUpsample(GraphBuilder& b, std::vector<int64_t> weight, int64_t group,
                 std::vector<int64_t> strides, std::vector<int64_t> more = {},
                 std::vector<int64_t> dilations = {1, 1}) {
  b.Random("w", weight).Random("b", {weight[1] * group});
  Node& node = b.Add("ConvTranspose", {"x", "w", "b"}, {"y"});
  node.Set("group", group);
  node.Set("pads", std::vector<int64_t>{1, 0, 1, 1});
  node.Set("strides", std::move(strides));
  node.Set("dilations", std::move(dilations));
  if (!more.empty()) node.Set("output_padding", std::move(more));
}

void AddPool(GraphBuilder& b, const std::string& type, std::vector<int64_t> pads, bool counts) {
  Node& pool = b.Add(type, {"x"}, {"y"});
  pool.Set("kernel_shape", std::vector<int64_t>{3, 2});
  pool.Set("strides", std::vector<int64_t>{2, 1});
  pool.Set("pads", std::move(pads));
  if (counts) pool.Set("count_include_pad", int64_t{1});
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"conv",
       {1, 3, 5, 6},
       [](auto& b) {
         AddConv(b, "x", "y", {4, 3, 3, 2}, 1, {1, 0, 1, 1});
       }},
      {"stride",
       {1, 2, 7, 5},
       [](auto& b) {
         AddConv(b, "x", "y", {3, 2, 3, 3}, 1, {1, 1, 1, 1}, {2, 2});
       }},
      {"one dimension",
       {1, 3, 9},
       [](auto& b) {
         AddConv(b, "x", "y", {2, 3, 3}, 1, {1, 1});
       }},
      {"depthwise",
       {1, 4, 5, 5},
       [](auto& b) {
         AddConv(b, "x", "y", {4, 1, 3, 3}, 4, {1, 1, 1, 1});
       }},
      {"groups",
       {1, 4, 4, 4},
       [](auto& b) {
         AddConv(b, "x", "y", {6, 2, 3, 3}, 2, {1, 1, 1, 1});
       }},
      {"transposed",
       {1, 3, 4, 3},
       [](auto& b) {
         AddUpsample(b, {3, 2, 3, 2}, 1, {1, 1});
       }},
      {"transposed with strides",
       {1, 2, 3, 4},
       [](auto& b) {
         AddUpsample(b, {2, 3, 4, 3}, 1, {2, 3}, {1, 2});
       }},
      {"transposed in groups",
       {1, 4, 3, 3},
       [](auto& b) {
         AddUpsample(b, {4, 3, 3, 3}, 2, {2, 2}, {}, {1, 2});
       }},
      {"gemm",
       {1, 7},
       [](auto& b) {
         b.Random("w", {5, 7}).Random("b", {5});
         b.Add("Gemm", {"x", "w", "b"}, {"y"}).Set("transB", int64_t{1});
       }},
      {"matmul",
       {1, 3, 6},
       [](auto& b) {
         b.Random("w", {6, 4}).Random("b", {4});
         b.Add("MatMul", {"x", "w"}, {"m"});
         b.Add("Add", {"m", "b"}, {"y"});
       }},
      {"relu", {1, 12}, [](auto& b) { b.Add("Relu", {"x"}, {"y"}); }},
      {"clip",
       {1, 12},
       [](auto& b) {
         b.Floats("low", {}, {-0.5F}).Floats("high", {}, {0.7F});
         b.Add("Clip", {"x", "low", "high"}, {"y"});
       }},
      {"hard sigmoid",
       {1, 30},
       [](auto& b) { b.Add("HardSigmoid", {"x"}, {"y"}).Set("alpha", 0.4F); }},
      {"hard swish", {1, 30}, [](auto& b) { b.Add("HardSwish", {"x"}, {"y"}); }},
      {"sigmoid times",
       {1, 30},
       [](auto& b) {
         b.Add("Sigmoid", {"x"}, {"s"});
         b.Add("Mul", {"x", "s"}, {"y"});
       }},
      {"largest",
       {1, 2, 6, 5},
       [](auto& b) {
         AddPool(b, "MaxPool", {1, 0, 1, 1}, false);
       }},
      {"average",
       {1, 2, 6, 5},
       [](auto& b) {
         AddPool(b, "AveragePool", {1, 0, 1, 1}, false);
       }},
      {"average with padding",
       {1, 2, 6, 5},
       [](auto& b) {
         AddPool(b, "AveragePool", {1, 0, 1, 1}, true);
       }},
      {"squeeze and excite",
       {1, 4, 3, 3},
       [](auto& b) {
         b.Add("GlobalAveragePool", {"x"}, {"g"});
         AddConv(b, "g", "e", {4, 4, 1, 1});
         b.Add("Sigmoid", {"e"}, {"s"});
         b.Add("Mul", {"s", "x"}, {"y"});
       }},
      {"residual",
       {1, 3, 4, 4},
       [](auto& b) {
         AddConv(b, "x", "c", {3, 3, 3, 3}, 1, {1, 1, 1, 1});
         b.Add("Relu", {"c"}, {"r"});
         AddConv(b, "r", "d", {3, 3, 1, 1});
         b.Add("Add", {"d", "x"}, {"y"});
       }},
      {"two branches",
       {1, 3, 4, 4},
       [](auto& b) {
         AddConv(b, "x", "l", {2, 3, 1, 1});
         AddConv(b, "x", "r", {3, 3, 3, 3}, 1, {1, 1, 1, 1});
         b.Add("Concat", {"l", "r"}, {"y"}).Set("axis", int64_t{1});
       }},
  };
  return cases;
}

struct Built {
  GraphBuilder builder;
  Block block{.entry = "x", .exit = "y", .nodes = {}, .layers = {}};
  std::vector<BlockWeights> weights;
  Floats x;
};

// Weights in the order of layers, as the graph has them.
Built Build(const Case& one) {
  Built built{.builder = GraphBuilder(14)};
  std::vector<std::string> dims;
  for (const int64_t dim : one.entry) dims.push_back(std::to_string(dim));
  built.builder.Input("x", dims).Output("y");
  one.build(built.builder);
  const Graph& graph = built.builder.model.graph;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    built.block.nodes.push_back(n);
    const Node& node = graph.nodes[n];
    const Tensor* kernel = graph.FindInitializer(node.input(1));
    if (kernel == nullptr || !HasOutputPositions(node, *kernel)) continue;
    built.block.layers.push_back(n);
    const Tensor& weight = *kernel;
    const WeightOrder order = KernelOrder(node, weight);
    BlockWeights of{FloatMatrix(order.count, order.channels), FloatRow::Zero(order.channels)};
    for (Index c = 0; c < order.channels; ++c)
      for (Index k = 0; k < order.count; ++k)
        of.weights(k, c) = weight.values<float>()[PlaceOf(order, c, k)];
    if (const Tensor* bias = graph.FindInitializer(node.input(2)))
      for (Index c = 0; c < order.channels; ++c)
        of.bias(c) = bias->values<float>()[static_cast<size_t>(c)];
    built.weights.push_back(std::move(of));
  }
  built.x = RandomFloats(static_cast<size_t>(CountOf(one.entry)), 5, 1.5F);
  return built;
}

TEST(BlockNetTest, ForwardIsWhatTheEngineComputes) {
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.name);
    const Built built = Build(one);
    const BlockNet net(built.builder.model.graph, built.block, one.entry, {});
    ASSERT_EQ(net.obstacle(), "");
    EXPECT_EQ(net.layers(), built.block.layers);
    BlockPass pass;
    const Floats& y = net.Forward(built.x, built.weights, {}, pass);
    const Tensor expected =
        RunModel(built.builder.model, {MakeFloatTensor("x", one.entry, built.x)}).at(0);
    EXPECT_EQ(net.exit_dims(), expected.dims);
    EXPECT_LT(MaxDifference(MakeFloatTensor("y", net.exit_dims(), y), expected), 1e-4F);
  }
}

// Half the sum of squares of the exit.
double Loss(const BlockNet& net, const Floats& x, const std::vector<BlockWeights>& weights) {
  BlockPass pass;
  double loss = 0;
  for (const float y : net.Forward(x, weights, {}, pass)) loss += 0.5 * y * static_cast<double>(y);
  return loss;
}

TEST(BlockNetTest, GradientsAreTheFiniteDifferences) {
  constexpr float kStep = 1e-2F;
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.name);
    const Built built = Build(one);
    const BlockNet net(built.builder.model.graph, built.block, one.entry, {});
    BlockPass pass;
    const Floats y = net.Forward(built.x, built.weights, {}, pass);
    std::vector<BlockWeights> by = built.weights;
    for (BlockWeights& of : by) {
      of.weights.setZero();
      of.bias.setZero();
    }
    net.Backward(y, built.weights, pass, by);
    // A step may cross a bend of the operator: then both sides are looked at from closer.
    const auto expect = [&](float gradient, const std::function<double(float)>& loss) {
      const double wide = (loss(kStep) - loss(-kStep)) / (2 * kStep);
      const double close = (loss(kStep / 8) - loss(-kStep / 8)) / (kStep / 4);
      const double slack = 2e-2 * (1 + std::abs(static_cast<double>(gradient)));
      EXPECT_LT(std::min(std::abs(wide - gradient), std::abs(close - gradient)), slack);
    };
    for (size_t i = 0; i < built.x.size(); i += 3) {
      expect(pass.gradients[0][i], [&](float step) {
        Floats x = built.x;
        x[i] += step;
        return Loss(net, x, built.weights);
      });
    }
    for (size_t k = 0; k < by.size(); ++k) {
      for (Index i = 0; i < by[k].weights.size(); i += 5) {
        expect(by[k].weights.data()[i], [&](float step) {
          std::vector<BlockWeights> weights = built.weights;
          weights[k].weights.data()[i] += step;
          return Loss(net, built.x, weights);
        });
      }
      for (Index c = 0; c < by[k].bias.size(); ++c) {
        expect(by[k].bias(c), [&](float step) {
          std::vector<BlockWeights> weights = built.weights;
          weights[k].bias(c) += step;
          return Loss(net, built.x, weights);
        });
      }
    }
  }
}

TEST(BlockNetTest, InnerValuesAreRoundedAndSaturatedGradientsStop) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Output("y");
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Relu", {"r"}, {"y"});
  const Block block{.entry = "x", .exit = "y", .nodes = {0, 1}, .layers = {}};
  const std::map<std::string, RoundingGrid> grids{{"r", {0.5F, 0, 1}}, {"y", {10, 0, 10}}};
  const BlockNet net(b.model.graph, block, {1, 3}, grids);
  BlockPass pass;
  EXPECT_EQ(net.Forward({0.6F, 0.8F, 2}, {}, {}, pass), (Floats{0.5F, 1, 1}));
  net.Backward({1, 1, 1}, {}, pass, {});
  EXPECT_EQ(pass.gradients[0], (Floats{1, 1, 0}));
  const auto first = [](size_t, size_t element) { return element == 0; };
  EXPECT_EQ(net.Forward({0.6F, 0.8F, 2}, {}, first, pass), (Floats{0.5F, 0.8F, 2}));
}

// x -> HardSwish -> r -> Mul(1.5) -> y with r on a grid of 16 codes.
struct GridNet {
  GraphBuilder b;
  Block block{.entry = "x", .exit = "y", .nodes = {0, 1}, .layers = {}};
  NumericFormat format;
  Floats x = RandomFloats(4000, 3, 3);

  explicit GridNet(const NumericFormat& of_r) : b(14), format(of_r) {
    b.Input("x", {"1", "4000"}).Output("y").Floats("k", {}, {1.5F});
    b.Add("HardSwish", {"x"}, {"r"});
    b.Add("Mul", {"r", "k"}, {"y"});
  }

  RoundingGrid GridOf(Range range) const {
    return RoundingGridOf(ParamsFromRange(range, format), format);
  }

  // Half the squared error of y against the float net with these bounds; the gradients by the grid.
  double Loss(Range range, std::vector<GridGradient>* by_grids = nullptr) const {
    const RoundingGrids grids{{"r", GridOf(range)}};
    const BlockNet net(b.model.graph, block, {1, 4000}, grids);
    const BlockNet exact(b.model.graph, block, {1, 4000}, {});
    BlockPass pass;
    BlockPass without;
    pass.looks_at_grids = true;
    Floats by = net.Forward(x, {}, {}, pass);
    const Floats& expected = exact.Forward(x, {}, {}, without);
    double loss = 0;
    for (size_t i = 0; i < by.size(); ++i) {
      by[i] -= expected[i];
      loss += 0.5 * by[i] * static_cast<double>(by[i]);
    }
    if (by_grids != nullptr) {
      net.Backward(by, {}, pass, {});
      *by_grids = pass.by_grids;
    }
    return loss;
  }
};

TEST(BlockNetTest, GradientsByAGridAreTheFiniteDifferencesOverManyNumbers) {
  constexpr float kStep = 0.04F;
  for (const bool is_symmetric : {true, false}) {
    const GridNet net(IntegerFormat(4, false, is_symmetric));
    for (const float high : {1.2F, 2.4F, 2.9F}) {
      std::vector<GridGradient> by;
      net.Loss({0, high}, &by);
      const double difference =
          (net.Loss({0, high + kStep}) - net.Loss({0, high - kStep})) / (2 * kStep);
      EXPECT_NEAR(by.at(1).inside / 15 + by.at(1).above, difference, 0.1 * std::abs(difference) + 1)
          << high;
      EXPECT_EQ(by.at(2).inside, 0) << "the exit is not rounded";
    }
  }
}

TEST(BlockNetTest, NumbersBeyondAGridAreItsBounds) {
  const GridNet net(IntegerFormat(4, false, false));
  std::vector<GridGradient> by;
  net.Loss({-0.3F, 2.4F}, &by);
  const RoundingGrid grid = net.GridOf({-0.3F, 2.4F});
  double below = 0;
  double above = 0;
  for (const float x : net.x) {
    const float r = x * std::min(std::max(x / 6 + 0.5F, 0.0F), 1.0F);
    if (r < grid.low) below += 1.5 * 1.5 * (grid.low - r);
    if (r > grid.high) above += 1.5 * 1.5 * (grid.high - r);
  }
  EXPECT_GT(below, 0);
  EXPECT_LT(above, 0);
  EXPECT_NEAR(by.at(1).below, below, 1e-3 * below);
  EXPECT_NEAR(by.at(1).above, above, -1e-3 * above);
}

TEST(BlockNetTest, AnOperatorThatIsNotDoneIsNamed) {
  GraphBuilder b;
  b.Input("x", {"1", "3"}).Output("y");
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Erf", {"r"}, {"y"}).name = "odd";
  const Block block{.entry = "x", .exit = "y", .nodes = {0, 1}, .layers = {}};
  EXPECT_EQ(BlockNet(b.model.graph, block, {1, 3}, {}).obstacle(), "operator Erf");
}

}  // namespace
}  // namespace qconvert

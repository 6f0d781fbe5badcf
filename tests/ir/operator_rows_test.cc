// What operators ask of their constants: shapes of weights, divisors, sizes and scales.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "qconvert/ir/operator_checks.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Dims = std::vector<int64_t>;

constexpr int64_t k2To31 = int64_t{1} << 31;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string Why(const GraphBuilder& b) {
  const Graph& graph = b.model.graph;
  return WhyInvalid(graph.nodes.back(),
                    [&](const std::string& name) { return graph.FindInitializer(name); });
}

// Of a node whose inputs are all computed.
std::string WhyOf(const std::string& op_type, const std::string& key, const Attribute::Data& data) {
  GraphBuilder b;
  b.Add(op_type, std::vector<std::string>(6, "x"), {"y"}).attributes[key].data = data;
  return Why(b);
}

struct ConvRow {
  const char* op_type;
  Dims weight;
  const char* key;
  Dims numbers;
  const char* why;
};

TEST(ConvListsTest, HaveANumberPerAxisOfSpace) {
  const std::vector<ConvRow> rows = {
      {"Conv", {4, 3, 5}, "strides", {2}, ""},
      {"Conv", {4, 3, 5}, "strides", {2, 2}, "has 2 strides, expected 1"},
      {"Conv", {4, 3, 5}, "pads", {1, 2}, ""},
      {"Conv", {4, 3, 5}, "pads", {1}, "has 1 pads, expected 2"},
      {"Conv", {4, 3, 3, 3}, "dilations", {1, 1}, ""},
      {"Conv", {4, 3, 3, 3}, "dilations", {1}, "has 1 dilations, expected 2"},
      {"Conv", {4, 3, 3, 3}, "pads", {0, 0, 0, 0}, ""},
      {"Conv", {4, 3, 3, 3}, "pads", {0, 0}, "has 2 pads, expected 4"},
      {"Conv", {4, 3, 3, 2}, "kernel_shape", {3, 2}, ""},
      {"Conv", {4, 3, 3, 2}, "kernel_shape", {3}, "has 1 kernel_shape, expected 2"},
      {"Conv",
       {4, 3, 3, 2},
       "kernel_shape",
       {2, 3},
       "has a kernel_shape that is not that of its weights"},
      {"Conv", {4, 3, 1, 2, 3}, "kernel_shape", {1, 2, 3}, ""},
      {"Conv", {4, 3, 1, 2, 3}, "strides", {1, 1}, "has 2 strides, expected 3"},
      {"Conv", {4, 3, 1, 2, 3}, "pads", {1, 1, 1}, "has 3 pads, expected 6"},
      {"ConvTranspose", {4, 3, 3, 3}, "strides", {2, 2}, ""},
      {"ConvTranspose", {4, 3, 3, 3}, "strides", {2}, "has 1 strides, expected 2"},
      {"ConvTranspose",
       {4, 3, 3, 3},
       "kernel_shape",
       {3, 1},
       "has a kernel_shape that is not that of its weights"}};
  for (const ConvRow& row : rows) {
    GraphBuilder b;
    b.Random("w", row.weight);
    b.Add(row.op_type, {"x", "w"}, {"y"}).Set(row.key, row.numbers);
    EXPECT_EQ(Why(b), row.why) << row.op_type << " " << row.key;
  }
}

TEST(ConvListsTest, GroupsDivideTheFirstAxisOfTheWeights) {
  for (const auto& [op_type, group, why] :
       {std::tuple{"Conv", 2, ""},
        {"Conv", 4, ""},
        {"Conv", 5, "has 4 channels, which 5 groups do not divide"},
        {"ConvTranspose", 4, ""},
        {"ConvTranspose", 3, "has 4 channels, which 3 groups do not divide"}}) {
    GraphBuilder b;
    b.Random("w", {4, 3, 3, 3});
    b.Add(op_type, {"x", "w"}, {"y"}).Set("group", int64_t{group});
    EXPECT_EQ(Why(b), why) << op_type << " " << group;
  }
}

struct RecurrentRow {
  const char* op_type;
  const char* direction;
  int64_t hidden;  // 0: not given
  Dims w, r, b, p;
  const char* why;
};

TEST(RecurrentTest, GatesAndDirectionsGiveTheShapes) {
  const std::vector<RecurrentRow> rows = {
      {"RNN", "forward", 8, {1, 8, 5}, {1, 8, 8}, {1, 16}, {}, ""},
      {"RNN", "reverse", 8, {1, 8, 5}, {1, 8, 8}, {1, 16}, {}, ""},
      {"RNN", "bidirectional", 8, {2, 8, 5}, {2, 8, 8}, {2, 16}, {}, ""},
      {"RNN",
       "bidirectional",
       8,
       {1, 8, 5},
       {2, 8, 8},
       {2, 16},
       {},
       "has W [1,8,5], expected [2,8,5]"},
      {"GRU", "forward", 8, {1, 24, 5}, {1, 24, 8}, {1, 48}, {}, ""},
      {"GRU",
       "forward",
       8,
       {1, 32, 5},
       {1, 24, 8},
       {1, 48},
       {},
       "has W [1,32,5], expected [1,24,5]"},
      {"GRU",
       "forward",
       8,
       {1, 24, 5},
       {1, 24, 7},
       {1, 48},
       {},
       "has R [1,24,7], expected [1,24,8]"},
      {"GRU", "forward", 8, {1, 24, 5}, {1, 24, 8}, {1, 24}, {}, "has B [1,24], expected [1,48]"},
      {"GRU", "bidirectional", 0, {2, 24, 5}, {2, 24, 8}, {2, 48}, {}, ""},
      {"LSTM", "forward", 0, {1, 32, 1}, {1, 32, 8}, {1, 64}, {1, 24}, ""},
      {"LSTM",
       "forward",
       0,
       {1, 32, 1},
       {1, 24, 8},
       {1, 64},
       {1, 24},
       "has R [1,24,8], expected [1,32,8]"},
      {"LSTM", "bidirectional", 8, {2, 32, 3}, {2, 32, 8}, {2, 64}, {2, 24}, ""},
      {"LSTM",
       "bidirectional",
       8,
       {2, 32, 3},
       {2, 32, 8},
       {2, 64},
       {1, 24},
       "has P [1,24], expected [2,24]"},
      {"LSTM",
       "forward",
       8,
       {1, 32, 3},
       {1, 32, 8},
       {1, 64},
       {1, 32},
       "has P [1,32], expected [1,24]"}};
  for (const RecurrentRow& row : rows) {
    GraphBuilder b;
    b.Random("w", row.w).Random("r", row.r).Random("b", row.b);
    std::vector<std::string> inputs = {"x", "w", "r", "b"};
    if (!row.p.empty()) {
      b.Random("p", row.p);
      inputs.insert(inputs.end(), {"", "", "", "p"});
    }
    Node& node = b.Add(row.op_type, inputs, {"y"});
    node.Set("direction", std::string(row.direction));
    if (row.hidden != 0) node.Set("hidden_size", row.hidden);
    EXPECT_EQ(Why(b), row.why) << row.op_type << " " << row.direction;
  }
}

// Nothing is known of weights that are computed, and little of those of another rank.
TEST(RecurrentTest, WeightsThatAreNotKnownAreNotJudged) {
  GraphBuilder b;
  b.Random("w", {1, 3, 5});
  b.Add("LSTM", {"x", "w", "r"}, {"y"}).Set("hidden_size", int64_t{8});
  EXPECT_EQ(Why(b), "") << "R is computed";
  b.Random("r", {24, 8});
  EXPECT_EQ(Why(b), "");
}

template <typename T>
Tensor Numbers(const std::string& name, DataType type, std::vector<T> values) {
  return MakeTensor<T>(name, type, {std::ssize(values)}, values);
}

TEST(DivisionTest, OfEveryIntegerType) {
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
  const auto why = [](const char* op_type, const Tensor& a, const Tensor& by) {
    GraphBuilder b;
    b.model.graph.initializers["a"] = a;
    b.model.graph.initializers["by"] = by;
    b.Add(op_type, {"a", "by"}, {"y"});
    return Why(b);
  };
  const auto int32s = [](std::vector<int32_t> values) {
    return Numbers<int32_t>("", DataType::kInt32, std::move(values));
  };
  const auto int64s = [](std::vector<int64_t> values) {
    return Numbers<int64_t>("", DataType::kInt64, std::move(values));
  };
  EXPECT_EQ(why("Div", int32s({6}), int32s({1, 2, 3})), "");
  EXPECT_EQ(why("Div", int32s({6}), int32s({1, 0, 3})), "divides integers by zero");
  EXPECT_EQ(why("Mod", int64s({6}), int64s({0})), "divides integers by zero");
  EXPECT_EQ(why("Div", int32s({1, kLeast}), int32s({2, -1})),
            "divides -2147483648 by -1, which overflows");
  EXPECT_EQ(why("Mod", int64s({std::numeric_limits<int64_t>::min()}), int64s({-1})),
            "divides -9223372036854775808 by -1, which overflows");
  EXPECT_EQ(why("Div", int32s({kLeast}), int32s({-2})), "");
  EXPECT_EQ(why("Div", int32s({kLeast + 1}), int32s({-1})), "");
  GraphBuilder computed;
  computed.Ints("by", {2}, {3, 0});
  computed.Add("Div", {"x", "by"}, {"y"});
  EXPECT_EQ(Why(computed), "divides integers by zero") << "whatever is divided";
  GraphBuilder unknown;
  unknown.Ints("a", {1}, {std::numeric_limits<int64_t>::min()});
  unknown.Add("Div", {"a", "x"}, {"y"});
  EXPECT_EQ(Why(unknown), "") << "the divisor is computed";
}

TEST(RandomNodesTest, DrawFloatsFromFiniteRanges) {
  for (const char* op_type :
       {"RandomUniform", "RandomNormal", "RandomUniformLike", "RandomNormalLike"}) {
    for (const int64_t dtype : {1, 10, 11, 16}) EXPECT_EQ(WhyOf(op_type, "dtype", dtype), "");
    for (const int64_t dtype : {-1, 0, 6, 7, 8, 9, 99}) {
      EXPECT_EQ(WhyOf(op_type, "dtype", dtype),
                fmt::format("has dtype {}, expected a float type", dtype));
    }
    for (const char* key : {"low", "high", "mean", "scale"}) {
      EXPECT_EQ(WhyOf(op_type, key, 3.5F), "");
      for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
        EXPECT_EQ(WhyOf(op_type, key, bad), fmt::format("has a {} that is not finite", key));
      }
    }
  }
}

TEST(RoiAlignTest, ScalesAreAboveZero) {
  for (const float good : {1.0F, 0.0625F, std::numeric_limits<float>::denorm_min()})
    EXPECT_EQ(WhyOf("RoiAlign", "spatial_scale", good), "") << good;
  for (const float bad : {0.0F, -0.0F, -1.0F, kInfinity, std::nanf("")})
    EXPECT_EQ(WhyOf("RoiAlign", "spatial_scale", bad), "has a spatial_scale that is not above zero")
        << bad;
}

TEST(StftTest, StepAndLengthAreAboveZero) {
  const auto why = [](int64_t step, int64_t length) {
    GraphBuilder b;
    b.Ints("step", {}, {step}).Ints("length", {}, {length});
    b.Add("STFT", {"x", "step", "", "length"}, {"y"});
    return Why(b);
  };
  EXPECT_EQ(why(1, 1), "");
  EXPECT_EQ(why(k2To31, k2To31), "");
  EXPECT_EQ(why(0, 16), "has frame_step 0, expected 1 to 2147483648");
  EXPECT_EQ(why(-8, 0), "has frame_step -8, expected 1 to 2147483648") << "the first one";
  EXPECT_EQ(why(8, 0), "has frame_length 0, expected 1 to 2147483648");
  EXPECT_EQ(why(8, k2To31 + 1), "has frame_length 2147483649, expected 1 to 2147483648");
}

TEST(TriluTest, DiagonalsOfBothIntegerTypesHaveALimit) {
  for (const int64_t k : {int64_t{0}, int64_t{-3}, k2To31, -k2To31}) {
    GraphBuilder b;
    b.Ints("k", {}, {k});
    b.Add("Trilu", {"x", "k"}, {"y"});
    EXPECT_EQ(Why(b), "") << k;
  }
  GraphBuilder b;
  b.Ints("k", {}, {k2To31 + 1});
  b.Add("Trilu", {"x", "k"}, {"y"});
  EXPECT_EQ(Why(b), "has k 2147483649, expected -2147483648 to 2147483648");
  b.model.graph.initializers["k"] =
      Numbers<int32_t>("k", DataType::kInt32, {std::numeric_limits<int32_t>::min()});
  EXPECT_EQ(Why(b), "");
  b.Floats("k", {}, {1e30F});
  EXPECT_EQ(Why(b), "") << "a float there is the engine's to refuse";
}

TEST(BatchNormalizationTest, EachConstantHasANumberPerChannel) {
  const std::vector<std::string> names = {"x", "scale", "bias", "mean", "var"};
  for (size_t wrong = 0; wrong < names.size(); ++wrong) {
    GraphBuilder b;
    for (size_t slot = 1; slot < names.size(); ++slot)
      b.Random(names[slot], {slot == wrong ? 5 : 4});
    b.Add("BatchNormalization", names, {"y"});
    const std::string expected = wrong == 0 ? ""
                                 : wrong == 1
                                     ? "has 4 numbers in input 2, expected 5"
                                     : fmt::format("has 5 numbers in input {}, expected 4", wrong);
    EXPECT_EQ(Why(b), expected) << names[wrong];
  }
  GraphBuilder computed;
  computed.Random("scale", {4}).Random("var", {1});
  computed.Add("BatchNormalization", {"x", "scale", "b", "m", "var"}, {"y"});
  EXPECT_EQ(Why(computed), "has 1 numbers in input 4, expected 4") << "others are computed";
}

// A Conv without a bias, one whose weights are computed, and nodes of other operators.
TEST(OperatorChecksTest, WhatIsNotThereIsNotJudged) {
  GraphBuilder bare;
  bare.Random("w", {4, 3, 3, 3});
  bare.Add("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(Why(bare), "");
  GraphBuilder computed;
  computed.Random("b", {3});
  computed.Add("Conv", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(Why(computed), "");
  GraphBuilder gemm;
  gemm.Random("w", {4, 3}).Random("b", {7});
  gemm.Add("Gemm", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(Why(gemm), "") << "its bias is broadcast: the engine looks at it";
}

}  // namespace
}  // namespace qconvert

// What the engine computes from an exported format is what we say it does, bit for bit. Scales and
// values are chosen so that every sum is exact.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/plan/value_range.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

using testing::ElementsAreArray;

// x[rows, columns] with 255 on its diagonal: in 8 bits its scale is 1.
Tensor Diagonal(int64_t rows, int64_t columns) {
  std::vector<float> values(static_cast<size_t>(rows * columns), 0);
  for (int64_t i = 0; i < columns; ++i) values[static_cast<size_t>(i * columns + i)] = 255;
  return MakeFloatTensor("x", {rows, columns}, values);
}

template <typename T>
std::vector<float> NumbersOf(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

TEST(FormatsTest, HalvesOfWeightsAndBiasesGoWhereTheModeSays) {
  const std::vector<float> halves = {0.5F, 1.5F, -0.5F, -1.5F, 2.5F, -2.5F, 0.25F};
  const std::map<RoundMode, std::vector<float>> codes = {
      {RoundMode::kHalfEven, {0, 2, 0, -2, 2, -2, 0}},
      {RoundMode::kHalfUp, {1, 2, 0, -1, 3, -2, 0}},
      {RoundMode::kHalfDown, {0, 1, 0, -1, 2, -2, 0}},
      {RoundMode::kStdRound, {1, 2, -1, -2, 3, -3, 0}},
  };
  std::vector<float> weights(7, 127);  // the scale is 1
  for (const float half : halves) weights.insert(weights.end(), 7, half);
  GraphBuilder b;
  b.Input("x", {"9", "8"}).Output("y").Floats("w", {8, 7}, weights).Floats("b", {7}, halves);
  b.Add("Gemm", {"x", "w", "b"}, {"y"});
  const std::vector<Tensor> x = {Diagonal(9, 8)};
  for (const auto& [mode, rounded] : codes) {
    QuantConfig config;
    config.tensors.weights.round_mode = config.tensors.bias.round_mode = mode;
    const QuantizedModel q = QuantizeModel(b.model, {x}, config);
    std::vector<float> expected;
    for (size_t row = 0; row < 9; ++row) {
      for (const float bias : rounded)
        expected.push_back(bias + 255 * (row == 0 ? 127 : row == 8 ? 0 : rounded[row - 1]));
    }
    for (const bool optimize : {false, true}) {
      EXPECT_THAT(ToFloats(RunModel(q.model, x, optimize)[0]), ElementsAreArray(expected))
          << static_cast<int>(mode) << " " << optimize;
    }
  }
}

// A layer of 127 times its input: scale 1, code 127.
GraphBuilder Times127(int64_t columns) {
  std::vector<float> weights(static_cast<size_t>(columns * columns), 0);
  for (int64_t i = 0; i < columns; ++i) weights[static_cast<size_t>(i * columns + i)] = 127;
  GraphBuilder b;
  b.Input("x", {"?", std::to_string(columns)}).Output("y").Floats("w", {columns, columns}, weights);
  b.Add("MatMul", {"x", "w"}, {"y"});
  return b;
}

struct Grid {
  bool symmetry;
  bool is_signed;
  bool narrow;
};
constexpr Grid kGrids[] = {
    {false, false, false}, {true, false, false}, {true, true, false}, {true, true, true}};

TEST(FormatsTest, ValuesStayOnTheGridOfEveryWidth) {
  const GraphBuilder b = Times127(4);
  for (int bits = 2; bits <= 16; ++bits) {
    for (const Grid& grid : kGrids) {
      SCOPED_TRACE(testing::Message() << bits << " bits, " << grid.symmetry << grid.is_signed);
      const TensorSettings settings{.bit_width = bits,
                                    .symmetry = grid.symmetry,
                                    .is_signed = grid.is_signed,
                                    .narrow_range = grid.narrow};
      const NumericFormat format = FormatOf(settings);
      QuantConfig config;
      config.tensors.input = config.tensors.activation = settings;
      // The scale is 1/8, the zero point 1 where there is one.
      const float step = 0.125F;
      const float low = grid.symmetry ? 0 : -step;
      const float high =
          low + step * static_cast<float>(format.qmax - (grid.symmetry ? 0 : format.qmin));
      const Tensor seen = MakeFloatTensor("x", {1, 4}, std::vector<float>{low, high, 0, step});
      const QuantizedModel q = QuantizeModel(b.model, {{seen}}, config);
      // Twice as far as anything seen, with halves.
      std::vector<float> values;
      for (int k = 0; k < 400; ++k) values.push_back((static_cast<float>(k) - 200) / 100 * high);
      for (int k = 0; k < 80; ++k) values.push_back((static_cast<float>(k) - 40) * step / 2);
      std::vector<float> expected;
      const QuantParams& params = q.plan.values.at("x").params;
      NumericFormat written = q.plan.values.at("x").format;
      EXPECT_EQ(written.qmax - written.qmin, format.qmax - format.qmin);
      // A whole type without its lowest code has no Clip.
      if (bits == 8 || bits == 16) written.qmin = FullFormat(written.type).qmin;
      ASSERT_EQ(params.scales[0], step);
      for (const float x : values) {
        const int32_t code = QuantizeValue(x, step, params.zero_points[0], written);
        expected.push_back(127 * DequantizeValue(code, step, params.zero_points[0]));
      }
      const Tensor x = MakeFloatTensor("x", {120, 4}, values);
      for (const bool optimize : {false, true})
        EXPECT_EQ(ToFloats(RunModel(q.model, {x}, optimize)[0]), expected) << optimize;
    }
  }
}

TEST(FormatsTest, WeightsOfEveryWidthAreComputedWithTheirCodes) {
  for (int bits = 2; bits <= 16; ++bits) {
    SCOPED_TRACE(bits);
    const auto largest = static_cast<float>((1 << (bits - 1)) - 1);
    // No two neighbours that 8-bit kernels would saturate on.
    std::vector<float> weights = RandomFloats(48, 7, largest / 4);
    for (float& w : weights) w = std::clamp(w, -0.45F * largest, 0.45F * largest);
    weights.insert(weights.end(), 8, 0);
    weights.insert(weights.end(), 8, largest);  // the scale is 1
    GraphBuilder b;
    b.Input("x", {"8", "8"}).Output("y").Output("z").Floats("w", {8, 8}, weights);
    b.Floats("k", {8, 8, 1, 1}, weights).Floats("bias", {8}, std::vector<float>(8, 3));
    b.Ints("shape", {4}, {8, 8, 1, 1});
    b.Add("MatMul", {"x", "w"}, {"y"});
    b.Add("Reshape", {"x", "shape"}, {"image"});
    b.Add("Conv", {"image", "k", "bias"}, {"z"});
    QuantConfig config;
    config.tensors.weights.bit_width = bits;
    config.tensors.weights.per_channel = false;
    const std::vector<Tensor> x = {Diagonal(8, 8)};
    const QuantizedModel q = QuantizeModel(b.model, {x}, config);
    const Tensor& codes = q.plan.integer_nodes.at(0).weight->codes;
    EXPECT_EQ(codes.type, bits <= 8 ? DataType::kInt8 : DataType::kInt16);
    std::vector<float> expected;
    for (const float code : bits <= 8 ? NumbersOf<int8_t>(codes) : NumbersOf<int16_t>(codes)) {
      EXPECT_LE(code, largest);
      EXPECT_GE(code, -largest - 1);
      expected.push_back(255 * code);
    }
    const std::vector<Tensor> plain = RunModel(q.model, x);
    const std::vector<Tensor> kernels = RunModel(q.model, x, true);
    EXPECT_EQ(ToFloats(plain[0]), expected);
    EXPECT_EQ(ToFloats(kernels[0]), expected);
    EXPECT_LE(MaxDifference(plain[1], kernels[1]), q.plan.values.at("z").params.scales[0] * 1.01F);
    const int fused = OptimizedOperators(q.model)["QLinearConv"];
    EXPECT_EQ(fused, bits <= 8 ? 1 : 0);
  }
}

TEST(FormatsTest, AsymmetricWeightsRunOnIntegerKernels) {
  for (const int bits : {3, 8, 12}) {
    SCOPED_TRACE(bits);
    const auto largest = static_cast<float>((1 << bits) - 1);
    std::vector<float> weights = RandomFloats(62, 7, largest / 8);
    const float low = -std::floor(largest / 3);
    weights.insert(weights.end(), {low, low + largest});  // the scale is 1
    for (float& w : weights) w = std::clamp(w, low, low + largest);
    GraphBuilder b;
    b.Input("x", {"8", "8"}).Output("y").Output("z").Floats("w", {8, 8}, weights);
    b.Floats("k", {8, 8, 1, 1}, weights).Floats("bias", {8}, std::vector<float>(8, 3));
    b.Ints("shape", {4}, {8, 8, 1, 1});
    b.Add("Gemm", {"x", "w"}, {"y"});
    b.Add("Reshape", {"x", "shape"}, {"image"});
    b.Add("Conv", {"image", "k", "bias"}, {"z"});
    QuantConfig config;
    config.tensors.weights = {.bit_width = bits};
    const std::vector<Tensor> x = {Diagonal(8, 8)};
    const QuantizedModel q = QuantizeModel(b.model, {x}, config);
    const ConstantCodes& weight = *q.plan.integer_nodes.at(0).weight;
    ASSERT_EQ(weight.params.scales, std::vector<float>{1});
    EXPECT_EQ(weight.params.zero_points[0], std::lround(-low));
    std::vector<float> expected;
    for (size_t k = 0; k < weights.size(); ++k) {
      const int32_t code = QuantizeValue(weights[k], 1, weight.params.zero_points[0],
                                         FormatOf(config.tensors.weights));
      expected.push_back(255 * static_cast<float>(code - weight.params.zero_points[0]));
    }
    const std::vector<Tensor> plain = RunModel(q.model, x);
    const std::vector<Tensor> kernels = RunModel(q.model, x, true);
    EXPECT_EQ(ToFloats(plain[0]), expected);
    EXPECT_EQ(ToFloats(kernels[0]), expected);
    EXPECT_LE(MaxDifference(plain[1], kernels[1]), q.plan.values.at("z").params.scales[0] * 1.01F);
    auto operators = OptimizedOperators(q.model);
    EXPECT_EQ(operators["QLinearConv"], bits <= 8 ? 1 : 0);
    EXPECT_EQ(operators["QGemm"], bits <= 8 ? 1 : 0);
  }
}

TEST(FormatsTest, AsymmetricWeightsOfEveryChannelHaveAZeroPointOfTheirOwn) {
  // Column n lies in [-n, 255 - n] and has the scale 1; row r of x picks row r of the weights.
  std::vector<float> weights;
  for (int k = 0; k < 8; ++k) {
    for (int n = 0; n < 8; ++n)
      weights.push_back(static_cast<float>((k == 0 ? 0 : k == 1 ? 255 : 29 * k) - 10 * n));
  }
  GraphBuilder b;
  b.Input("x", {"8", "8"}).Output("y").Output("m").Output("z").Floats("w", {8, 8}, weights);
  std::vector<float> kernel;
  for (size_t n = 0; n < 8; ++n)
    for (size_t k = 0; k < 8; ++k) kernel.push_back(weights[k * 8 + n]);
  b.Floats("k", {8, 8, 1, 1}, kernel).Floats("bias", {8}, std::vector<float>(8, 3));
  b.Ints("shape", {4}, {8, 8, 1, 1});
  b.Add("Gemm", {"x", "w"}, {"y"});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Reshape", {"x", "shape"}, {"image"});
  b.Add("Conv", {"image", "k", "bias"}, {"z"});
  QuantConfig config;
  config.tensors.weights = {.per_channel = true};
  const std::vector<Tensor> x = {Diagonal(8, 8)};
  const QuantizedModel q = QuantizeModel(b.model, {x}, config);
  const ConstantCodes& weight = *q.plan.integer_nodes.at(0).weight;
  EXPECT_THAT(weight.params.zero_points, ElementsAreArray({0, 10, 20, 30, 40, 50, 60, 70}));
  std::vector<float> expected;
  for (const float w : weights) expected.push_back(255 * w);
  for (const bool optimize : {false, true}) {
    const std::vector<Tensor> got = RunModel(q.model, x, optimize);
    EXPECT_EQ(ToFloats(got[0]), expected) << optimize;
    EXPECT_EQ(ToFloats(got[1]), expected) << optimize;
    const float step = q.plan.values.at("z").params.scales[0];
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(ToFloats(got[2])[i], expected[i] + 3, step * 0.51F) << optimize;
  }
  auto operators = OptimizedOperators(q.model);
  EXPECT_EQ(operators["QLinearConv"], 1);
  EXPECT_EQ(operators["QGemm"], 1);
}

TEST(FormatsTest, UnsignedSymmetricWeightsHoldNoNegativeNumber) {
  QuantConfig config;
  config.tensors.weights = {.symmetry = true};
  GraphBuilder b;
  b.Input("x", {"2", "2"}).Output("y").Floats("w", {2, 2}, {255, 0, 7, 9});
  b.Add("MatMul", {"x", "w"}, {"y"});
  const std::vector<Tensor> x = {Diagonal(2, 2)};
  const QuantizedModel q = QuantizeModel(b.model, {x}, config);
  EXPECT_EQ(ToFloats(RunModel(q.model, x)[0]),
            (std::vector<float>{255 * 255, 0, 255 * 7, 255 * 9}));
  b.Floats("v", {2, 2}, {255, 0, -1, 9});
  b.model.graph.nodes[0].inputs[1] = "v";
  EXPECT_THAT([&] { QuantizeModel(b.model, {x}, config); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("weight \"v\" reaches -1")));
}

constexpr RoundMode kOtherModes[] = {RoundMode::kHalfUp, RoundMode::kHalfDown,
                                     RoundMode::kStdRound};

// The model of Times127 whose input rounds exactly in a mode: x has the scale 1/8.
QuantizedModel RoundingModel(RoundMode mode, bool symmetric) {
  QuantConfig config;
  config.exact_rounding = true;
  TensorSettings& of = config.tensors.input;
  of = {.round_mode = mode, .symmetry = symmetric, .is_signed = symmetric};
  config.tensors.activation = of;
  const float low = symmetric ? 0.0F : -12;
  const float high = symmetric ? 127 / 8.0F : low + 255 / 8.0F;
  const Tensor seen = MakeFloatTensor("x", {1, 4}, std::vector<float>{low, high, 0, 0.125F});
  return QuantizeModel(Times127(4).model, {{seen}}, config);
}

void ExpectRounded(const QuantizedModel& q, const std::vector<float>& values) {
  const ValuePlan& x = q.plan.values.at("x");
  const float step = x.params.scales[0];
  ASSERT_EQ(step, 0.125F);
  std::vector<float> expected;
  for (const float value : values) {
    const int32_t code = QuantizeValue(value, step, x.params.zero_points[0], x.format);
    expected.push_back(127 * DequantizeValue(code, step, x.params.zero_points[0]));
  }
  const Tensor input = MakeFloatTensor("x", {static_cast<int64_t>(values.size() / 4), 4}, values);
  for (const bool optimize : {false, true}) {
    const std::vector<float> got = ToFloats(RunModel(q.model, {input}, optimize)[0]);
    EXPECT_TRUE(got == expected) << "optimized: " << optimize;
  }
}

TEST(ExactRoundingTest, TiesGoWhereTheModeSays) {
  // Codes of -3.5 to 3.5 in whole steps, and the floats beside 0.5 and -0.5.
  const std::vector<float> ties = {-3.5F, -2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F, 3.5F};
  const std::map<RoundMode, std::vector<float>> codes = {
      {RoundMode::kHalfUp, {-3, -2, -1, 0, 1, 2, 3, 4}},
      {RoundMode::kHalfDown, {-3, -2, -1, 0, 0, 1, 2, 3}},
      {RoundMode::kStdRound, {-4, -3, -2, -1, 1, 2, 3, 4}},
  };
  for (const auto& [mode, rounded] : codes) {
    const QuantizedModel q = RoundingModel(mode, true);
    std::vector<float> values;
    for (const float tie : ties) values.push_back(tie / 8);
    const Tensor x = MakeFloatTensor("x", {2, 4}, values);
    std::vector<float> expected;
    for (const float code : rounded) expected.push_back(127 * code / 8);
    for (const bool optimize : {false, true})
      EXPECT_EQ(ToFloats(RunModel(q.model, {x}, optimize)[0]), expected) << optimize;
    ExpectRounded(q, {std::nextafter(0.5F, 0.0F) / 8, std::nextafter(0.5F, 1.0F) / 8,
                      std::nextafter(-0.5F, 0.0F) / 8, std::nextafter(-0.5F, -1.0F) / 8});
  }
}

TEST(ExactRoundingTest, AMillionValuesHaveTheCodesOfOurOwnKernel) {
  constexpr size_t kCount = 1000000;
  std::vector<float> values = RandomFloats(kCount, 3, 12);
  // Every fourth lies on a half, some far outside.
  for (size_t k = 0; k < kCount; k += 4) values[k] = (std::floor(values[k] * 8) + 0.5F) / 8;
  for (size_t k = 1; k < kCount; k += 1000) values[k] *= 1e30F;
  values[2] = INFINITY;
  values[6] = -INFINITY;
  for (const RoundMode mode : kOtherModes) {
    for (const bool symmetric : {false, true})
      ExpectRounded(RoundingModel(mode, symmetric), values);
  }
}

TEST(ExactRoundingTest, WithoutItThePlainOperatorStands) {
  QuantConfig config;
  config.tensors.input.round_mode = config.tensors.activation.round_mode = RoundMode::kHalfUp;
  const QuantizedModel plain = QuantizeModel(Times127(4).model, {{Diagonal(4, 4)}}, config);
  config.exact_rounding = true;
  const QuantizedModel exact = QuantizeModel(Times127(4).model, {{Diagonal(4, 4)}}, config);
  EXPECT_GT(exact.model.graph.nodes.size(), plain.model.graph.nodes.size());
  config.tensors.input.round_mode = config.tensors.activation.round_mode = RoundMode::kHalfEven;
  const QuantizedModel even = QuantizeModel(Times127(4).model, {{Diagonal(4, 4)}}, config);
  EXPECT_EQ(even.model.graph.nodes.size(), plain.model.graph.nodes.size());
}

TEST(FormatsTest, NarrowValuesKeepTheIntegerKernelsBeforeAndBehindThem) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"}).Output("y");
  b.Random("w1", {4, 4, 3, 3}).Random("w2", {4, 4, 3, 3}).Random("w3", {4, 4, 1, 1});
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r"});
  b.Add("Conv", {"r", "w2"}, {"c2"});
  b.Add("HardSigmoid", {"c2"}, {"g"});
  b.Add("Conv", {"g", "w3"}, {"y"});
  QuantConfig config;
  config.tensors.activation.bit_width = 4;
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {1, 4, 6, 6}, 1)}}, config);
  auto operators = OptimizedOperators(q.model);
  EXPECT_EQ(operators["QLinearConv"], 3);
  const std::vector<Tensor> x = {RandomTensor("x", {1, 4, 6, 6}, 2, 3.0F)};  // farther than seen
  const ValuePlan& y = q.plan.values.at("y");
  for (const bool optimize : {false, true}) {
    for (const float value : ToFloats(RunModel(q.model, x, optimize)[0])) {
      const float code = value / y.params.scales[0] + static_cast<float>(y.params.zero_points[0]);
      EXPECT_NEAR(code, std::nearbyint(code), 1e-4);
      EXPECT_LE(code, 15.01F);
      EXPECT_GE(code, -0.01F);
    }
  }
}

}  // namespace
}  // namespace qconvert

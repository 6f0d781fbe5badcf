// What the engine computes from an exported format is what we say it does, bit for bit. Scales and
// values are chosen so that every sum is exact.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

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

}  // namespace
}  // namespace qconvert

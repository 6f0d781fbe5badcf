// Bit-equality with ONNX Runtime's QuantizeLinear and DequantizeLinear.
#include "qconvert/numbers/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

struct TypeCase {
  DataType type;
  std::vector<int32_t> zero_points;
};

std::vector<TypeCase> Types() {
  return {{DataType::kUint8, {0, 1, 128, 255}},
          {DataType::kInt8, {-128, 0, 5, 127}},
          {DataType::kUint16, {0, 32768, 65535}},
          {DataType::kInt16, {-32768, 0, 32767}}};
}

// Exact ties, their neighbours, values out of range, infinities, NaN, subnormals, plain random
// ones.
std::vector<float> HardValues(float scale, std::mt19937& engine) {
  std::vector<float> values = {0.0F,   -0.0F,   INFINITY, -INFINITY, NAN,     1e30F,
                               -1e30F, 3.4e38F, -3.4e38F, 1e-45F,    -1e-45F, 1e-38F};
  std::uniform_int_distribution<int> code(-70000, 70000);
  for (int i = 0; i < 15'000; ++i) {
    const float tie = (static_cast<float>(code(engine)) + 0.5F) * scale;
    values.insert(values.end(),
                  {tie, std::nextafter(tie, INFINITY), std::nextafter(tie, -INFINITY)});
  }
  std::normal_distribution<float> normal(0.0F, 300.0F);
  for (int i = 0; i < 30'000; ++i) values.push_back(normal(engine) * scale);
  return values;
}

Model QuantizeModel(DataType type, float scale, int32_t zero_point) {
  GraphBuilder b(21);
  b.model.ir_version = 10;
  b.Input("x", {"N"}).Output("q", type).Output("y").Floats("s", {}, {scale});
  QuantParams params{type, -1, {scale}, {zero_point}};
  const float real = DequantizeValue(zero_point, 1.0F, 0);
  QuantParams unit{type, -1, {1.0F}, {0}};
  Tensor z;
  z.name = "z";
  z.type = type;
  z.bytes = std::make_shared<const std::string>(
      QuantizeToBytes(std::vector{real}, {}, unit, FullFormat(type)));
  b.model.graph.initializers["z"] = z;
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"q"});
  b.Add("DequantizeLinear", {"q", "s", "z"}, {"y"});
  return b.model;
}

TEST(QuantizeTest, BitEqualToTheEngine) {
  std::mt19937 engine(17);
  for (const TypeCase& type : Types()) {
    size_t compared = 0;
    for (const float scale :
         {1.0F, 0.1F, 0.0039215689F, 3.7e-5F, 123.456F, 1.17549435e-38F, 1e-40F}) {
      for (const int32_t zero_point : type.zero_points) {
        const std::vector<float> values = HardValues(scale, engine);
        const Tensor x = MakeFloatTensor("x", {static_cast<int64_t>(values.size())}, values);
        const auto outputs = RunModel(QuantizeModel(type.type, scale, zero_point), {x});
        const QuantParams params{type.type, -1, {scale}, {zero_point}};
        const NumericFormat format = FullFormat(type.type);
        const std::string ours = QuantizeToBytes(values, {}, params, format);
        ASSERT_EQ(ours.size(), outputs[0].bytes->size());
        if (ours != *outputs[0].bytes) {
          const size_t width = ours.size() / values.size();
          for (size_t i = 0; i < values.size(); ++i) {
            ASSERT_EQ(ours.compare(i * width, width, *outputs[0].bytes, i * width, width), 0)
                << DataTypeName(type.type) << " x " << values[i] << " scale " << scale
                << " zero point " << zero_point;
          }
        }
        const auto real = outputs[1].values<float>();
        for (size_t i = 0; i < values.size(); i += 97) {
          const int32_t q = QuantizeValue(values[i], scale, zero_point, format);
          ASSERT_EQ(DequantizeValue(q, scale, zero_point), real[i]);
        }
        compared += values.size();
      }
    }
    EXPECT_GE(compared, 1'000'000U) << DataTypeName(type.type);
  }
}

TEST(QuantizeTest, PerAxisUsesTheSlicesScale) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const QuantParams params{DataType::kInt8, 1, {1, 2}, {0, 0}};
  const NumericFormat narrow = IntegerFormat(8, true, true, /*narrow=*/true);
  const std::string bytes = QuantizeToBytes(values, std::vector<int64_t>{2, 2, 2}, params, narrow);
  EXPECT_EQ(bytes, std::string("\1\2\2\2\5\6\4\4", 8));  // 3 / 2 and 7 / 2 are ties: to even
}

TEST(QuantizeTest, NaNIsTheLowestCodeAndInfinitiesAreTheEnds) {
  const NumericFormat format = IntegerFormat(4, true, true, /*narrow=*/true);
  EXPECT_EQ(QuantizeValue(NAN, 1, 0, format), -7);
  EXPECT_EQ(QuantizeValue(-INFINITY, 1, 0, format), -7);
  EXPECT_EQ(QuantizeValue(INFINITY, 1, 3, format), 7);
}

// Back along an axis, of every type that codes have; the last axis changes fastest.
TEST(QuantizeTest, DequantizesAlongAnAxisInEveryType) {
  for (const TypeCase& type : Types()) {
    Tensor codes{.type = type.type, .dims = {2, 3}};
    codes.bytes = std::make_shared<const std::string>(
        PackCodes(std::vector<int32_t>{1, 2, 3, 4, 5, 6}, type.type));
    EXPECT_EQ(CodesOf(codes), (std::vector<int32_t>{1, 2, 3, 4, 5, 6}));
    const QuantParams columns{type.type, 1, {1, 10, 100}, {0, 1, 2}};
    EXPECT_EQ(DequantizeTensor(codes, columns), (std::vector<float>{1, 10, 100, 4, 40, 400}));
    const QuantParams rows{type.type, 0, {2, 0.5F}, {1, 0}};
    EXPECT_EQ(DequantizeTensor(codes, rows), (std::vector<float>{0, 2, 4, 2, 2.5F, 3}));
    const QuantParams all{type.type, -1, {3}, {1}};
    EXPECT_EQ(DequantizeTensor(codes, all), (std::vector<float>{0, 3, 6, 9, 12, 15}));
  }
  EXPECT_THROW(CodesOf(MakeInt64Tensor("", {1}, std::vector<int64_t>{1})), InternalError);
}

TEST(QuantizeTest, NarrowRangeSaturatesEarlier) {
  EXPECT_EQ(QuantizeValue(-1000, 1, 0, IntegerFormat(8, true, true, /*narrow=*/true)), -127);
  EXPECT_EQ(QuantizeValue(-1000, 1, 0, IntegerFormat(8, true, true)), -128);
}

template <typename Code>
void ExpectRowsOfSingleValues(const NumericFormat& format, int32_t zero_point) {
  std::mt19937 engine(7);
  std::vector<float> values = HardValues(0.1F, engine);
  std::vector<float> scales;
  for (size_t k = 0; k < values.size(); ++k)
    scales.push_back(0.05F + 0.01F * static_cast<float>(k % 13));
  for (const size_t step : {size_t{0}, size_t{1}}) {
    std::vector<Code> codes(values.size());
    QuantizeRow(std::span<const float>(values), scales.data(), step, zero_point, format,
                codes.data());
    size_t different = 0;
    for (size_t k = 0; k < values.size(); ++k)
      different += codes[k] != QuantizeValue(values[k], scales[k * step], zero_point, format);
    EXPECT_EQ(different, 0u) << "step " << step;
  }
}

TEST(QuantizeRow, GivesWhatSingleValuesGive) {
  for (const RoundMode mode : {RoundMode::kHalfEven, RoundMode::kHalfUp, RoundMode::kStdRound}) {
    NumericFormat narrow = IntegerFormat(8, /*is_signed=*/true, /*symmetric=*/true, true);
    NumericFormat wide = FullFormat(DataType::kUint16);
    narrow.round = wide.round = Rounder(mode);
    ExpectRowsOfSingleValues<int8_t>(narrow, 0);
    ExpectRowsOfSingleValues<int32_t>(narrow, 5);
    ExpectRowsOfSingleValues<uint16_t>(wide, 32768);
    ExpectRowsOfSingleValues<uint16_t>(wide, 65535);
  }
}

}  // namespace
}  // namespace qconvert

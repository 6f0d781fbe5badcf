// Sample data as the type of a model's input: what fits, what is rounded and what is refused.
#include "convert_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "random_sample.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

template <typename T>
Tensor Of(DataType type, std::vector<T> values) {
  return MakeTensor<T>("x", type, {std::ssize(values)}, values);
}

Tensor Floats(std::vector<float> values) { return Of<float>(DataType::kFloat, values); }

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

const std::vector<DataType> kFloatTypes = {DataType::kFloat, DataType::kDouble, DataType::kFloat16,
                                           DataType::kBfloat16};
const std::vector<DataType> kIntegerTypes = {DataType::kInt8,   DataType::kInt16, DataType::kInt32,
                                             DataType::kInt64,  DataType::kUint8, DataType::kUint16,
                                             DataType::kUint32, DataType::kUint64};

// Fractions are nobody's integers, and only bytes hold booleans as files do.
TEST(ConvertTypeTest, NumbersGoToFloatsAndIntegersToIntegers) {
  for (const DataType to : kFloatTypes) {
    for (const DataType from : kFloatTypes) EXPECT_TRUE(CanConvert(from, to));
    for (const DataType from : kIntegerTypes) EXPECT_TRUE(CanConvert(from, to));
    EXPECT_TRUE(CanConvert(DataType::kBool, to));
    EXPECT_FALSE(CanConvert(DataType::kString, to));
  }
  for (const DataType to : kIntegerTypes) {
    for (const DataType from : kFloatTypes) EXPECT_FALSE(CanConvert(from, to));
    for (const DataType from : kIntegerTypes) EXPECT_TRUE(CanConvert(from, to));
  }
  EXPECT_TRUE(CanConvert(DataType::kUint8, DataType::kBool));
  EXPECT_FALSE(CanConvert(DataType::kInt32, DataType::kBool));
  EXPECT_TRUE(CanConvert(DataType::kString, DataType::kString)) << "as they are";
}

// Numbers that every type holds come out the same wherever they go.
TEST(ConvertTypeTest, EveryPairOfTypesKeepsSmallNumbers) {
  std::vector<DataType> all = kFloatTypes;
  all.insert(all.end(), kIntegerTypes.begin(), kIntegerTypes.end());
  for (const DataType from : all) {
    const Tensor start = ConvertSample(Of<uint8_t>(DataType::kUint8, {0, 1, 100}), from, "p");
    EXPECT_EQ(start.type, from);
    for (const DataType to : all) {
      if (!CanConvert(from, to)) continue;
      const Tensor there = ConvertSample(start, to, "p");
      EXPECT_EQ(there.type, to);
      EXPECT_EQ(there.name, "x");
      EXPECT_THAT(there.dims, ElementsAre(3));
      EXPECT_THAT(ToFloats(ConvertSample(there, DataType::kFloat, "p")), ElementsAre(0, 1, 100))
          << DataTypeName(from) << " " << DataTypeName(to);
    }
  }
}

TEST(ConvertTypeTest, FloatsOf16BitsAreRoundedToTheNearest) {
  EXPECT_THAT(
      Values<uint16_t>(ConvertSample(Floats({1 + 0x1p-11F, 65504}), DataType::kFloat16, "p")),
      ElementsAre(0x3C00, 0x7BFF));
  EXPECT_THAT(
      Values<uint16_t>(ConvertSample(Floats({1 + 0x3p-8F, 1e30F}), DataType::kBfloat16, "p")),
      ElementsAre(0x3F82, 0x714A));
  EXPECT_THAT(ToFloats(ConvertSample(Of<uint16_t>(DataType::kBfloat16, {0x3F80, 0xC040}),
                                     DataType::kFloat, "p")),
              ElementsAre(1, -3));
}

TEST(ConvertTypeTest, IntegersThatDoNotFitAreNamed) {
  for (const auto& [number, to] : {std::pair{int64_t{128}, DataType::kInt8},
                                   {-129, DataType::kInt8},
                                   {-1, DataType::kUint8},
                                   {65536, DataType::kUint16},
                                   {int64_t{1} << 31, DataType::kInt32},
                                   {-1, DataType::kUint64}}) {
    EXPECT_THAT(
        [&] {
          ConvertSample(Of<int64_t>(DataType::kInt64, {0, number}), to, "a.npy");
        },
        ThrowsError(ExitCode::kData, "a.npy: holds " + std::to_string(number) +
                                         ", which does not fit type " +
                                         std::string(DataTypeName(to))));
  }
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(
      [&] { ConvertSample(Of<uint64_t>(DataType::kUint64, {most}), DataType::kInt64, "a"); },
      ThrowsError(ExitCode::kData, "18446744073709551615"));
}

TEST(ConvertTypeTest, WhatIsOrBecomesInfiniteIsCounted) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const Tensor& bad :
       {Floats({1, inf, NAN}), Of<double>(DataType::kDouble, {1, -INFINITY, NAN}),
        Of<uint16_t>(DataType::kFloat16, {0x3C00, 0x7C00, 0x7E00}),
        Of<uint16_t>(DataType::kBfloat16, {0x3F80, 0xFF80, 0x7FC0})}) {
    EXPECT_THAT([&] { ConvertSample(bad, DataType::kFloat, "a.npy"); },
                ThrowsError(ExitCode::kNumeric, "a.npy: 2 of 3 values are NaN or infinite"));
  }
  EXPECT_THAT(
      [&] {
        ConvertSample(Floats({65520, 1}), DataType::kFloat16, "a");
      },
      ThrowsError(ExitCode::kNumeric, "1 of 2"));
  EXPECT_THAT([&] { ConvertSample(Of<double>(DataType::kDouble, {1e39}), DataType::kFloat, "a"); },
              ThrowsError(ExitCode::kNumeric, "1 of 1"));
  EXPECT_EQ(ConvertSample(Floats({3.3e38F}), DataType::kBfloat16, "a").type, DataType::kBfloat16);
}

TEST(ConvertTypeTest, RoundedValuesFitOrAreRefused) {
  const Tensor rounded = RoundedToIntegers(Floats({0.5F, 1.5F, -2.5F, -0x1p63F}), "a");
  EXPECT_THAT(rounded.values<int64_t>(),
              ElementsAre(0, 2, -2, std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(
      [&] {
        RoundedToIntegers(Floats({1, 0x1p63F}), "a.npy");
      },
      ThrowsError(ExitCode::kData, "a.npy: holds 9.223372e+18 once scaled, which does not"));
  EXPECT_THAT(
      [&] {
        RoundedToIntegers(Floats({1, INFINITY}), "a.npy");
      },
      ThrowsError(ExitCode::kNumeric, "a.npy: 1 of 2 values are NaN or infinite"));
}

// An input of any numeric type has random samples, the same ones for the same seed.
TEST(RandomTensorTest, EveryTypeOfInput) {
  for (const DataType type : {DataType::kFloat, DataType::kDouble, DataType::kFloat16,
                              DataType::kBfloat16, DataType::kInt64, DataType::kBool}) {
    const Value input{"x", TypeOf(type, {"N", "3"}), {}, {}};
    const Tensor once = RandomTensor(input, {}, 7);
    EXPECT_EQ(once.type, type);
    EXPECT_THAT(once.dims, ElementsAre(1, 3)) << "a free dimension is 1";
    EXPECT_EQ(*once.bytes, *RandomTensor(input, {}, 7).bytes) << DataTypeName(type);
    if (!IsFloatingPoint(type)) continue;
    EXPECT_NE(*once.bytes, *RandomTensor(input, {}, 8).bytes) << DataTypeName(type);
    for (const float v : ToFloats(once)) EXPECT_LE(std::abs(v), 1) << DataTypeName(type);
  }
}

}  // namespace
}  // namespace qconvert

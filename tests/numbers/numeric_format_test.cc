#include "qconvert/numbers/numeric_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "qconvert/numbers/quantize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

NumericFormat Codes(int32_t qmin, int32_t qmax, DataType type = DataType::kInt8) {
  NumericFormat format;
  format.type = type;
  format.qmin = qmin;
  format.qmax = qmax;
  return format;
}

TEST(NumericFormatTest, WidthsOutsideTwoToSixteenBitsAreNone) {
  EXPECT_THROW(IntegerFormat(1, true, true), InternalError);
  EXPECT_THROW(IntegerFormat(17, false, false), InternalError);
  EXPECT_THROW(FullFormat(DataType::kInt32), InternalError);
  EXPECT_THROW(FullFormat(DataType::kFloat16), InternalError);
}

TEST(NumericFormatTest, FullFormatsHoldEveryCodeOfTheirType) {
  for (const auto& [type, qmin, qmax] : {std::tuple{DataType::kUint8, 0, 255},
                                         {DataType::kInt8, -128, 127},
                                         {DataType::kUint16, 0, 65535},
                                         {DataType::kInt16, -32768, 32767}}) {
    const NumericFormat format = FullFormat(type);
    EXPECT_EQ(format.type, type);
    EXPECT_EQ(format.qmin, qmin);
    EXPECT_EQ(format.qmax, qmax);
    EXPECT_TRUE(format.is_integer());
    EXPECT_FALSE(format.symmetric);
  }
  EXPECT_FALSE(Codes(0, 0, DataType::kBfloat16).is_integer());
}

// Codes move up by half of all there are; what a code stands for stays.
TEST(NumericFormatTest, UnsignedFormatsStandForTheSameNumbers) {
  for (const int bits : {4, 8, 16}) {
    const NumericFormat before = IntegerFormat(bits, true, true, /*narrow=*/true);
    const NumericFormat after = Unsigned(before);
    EXPECT_EQ(after.type, bits <= 8 ? DataType::kUint8 : DataType::kUint16);
    EXPECT_EQ(after.qmin - after.zero, before.qmin - before.zero) << bits;
    EXPECT_EQ(after.qmax - after.zero, before.qmax - before.zero) << bits;
    EXPECT_EQ(after.zero, bits <= 8 ? 128 : 32768);
    EXPECT_TRUE(after.symmetric);
    for (const float x : {-3.3F, 0.0F, 0.5F, 900.0F})
      EXPECT_EQ(QuantizeValue(x, 0.1F, after.zero, after) - after.zero,
                QuantizeValue(x, 0.1F, before.zero, before) - before.zero)
          << x;
  }
  EXPECT_THROW(Unsigned(FullFormat(DataType::kUint8)), InternalError);
}

TEST(NumericFormatTest, TheNarrowestTypeIsThatOfTheOpset) {
  struct Row {
    NumericFormat format;
    DataType at_20, at_21, at_25;
  };
  constexpr DataType kInt8 = DataType::kInt8;
  for (const Row& row :
       {Row{Codes(-2, 1), kInt8, DataType::kInt4, DataType::kInt2},
        Row{Codes(0, 3), kInt8, DataType::kInt4, DataType::kUint2},
        Row{Codes(-1, 1), kInt8, DataType::kInt4, DataType::kInt2},
        Row{Codes(-7, 7), kInt8, DataType::kInt4, DataType::kInt4},
        Row{Codes(0, 15), kInt8, DataType::kUint4, DataType::kUint4},
        Row{Codes(-1, 8), kInt8, kInt8, kInt8}, Row{Codes(-9, 7), kInt8, kInt8, kInt8},
        Row{FullFormat(DataType::kUint16), DataType::kUint16, DataType::kUint16,
            DataType::kUint16}}) {
    EXPECT_EQ(NarrowestType(row.format, 20), row.at_20) << row.format.qmin;
    EXPECT_EQ(NarrowestType(row.format, 21), row.at_21) << row.format.qmin;
    EXPECT_EQ(NarrowestType(row.format, 24), row.at_21) << row.format.qmin;
    EXPECT_EQ(NarrowestType(row.format, 25), row.at_25) << row.format.qmin;
  }
}

TEST(PackCodesTest, TheFirstCodeIsLowest) {
  const auto pack = [](std::vector<int32_t> codes, DataType type) {
    std::vector<int> bytes;
    for (const char c : PackCodes(codes, type)) bytes.push_back(static_cast<uint8_t>(c));
    return bytes;
  };
  EXPECT_THAT(pack({1, -2, 7}, DataType::kInt4), ElementsAre(0xE1, 0x07));
  EXPECT_THAT(pack({15, 0, 9, 1}, DataType::kUint4), ElementsAre(0x0F, 0x19));
  EXPECT_THAT(pack({1, -1, 0, -2, 1}, DataType::kInt2), ElementsAre(0x8D, 0x01));
  EXPECT_THAT(pack({3, 2, 1}, DataType::kUint2), ElementsAre(0x1B));
  EXPECT_THAT(pack({-1, 127, -128}, DataType::kInt8), ElementsAre(0xFF, 0x7F, 0x80));
  EXPECT_THAT(pack({0x1234}, DataType::kUint16), ElementsAre(0x34, 0x12));
  EXPECT_THAT(pack({-2}, DataType::kInt32), ElementsAre(0xFE, 0xFF, 0xFF, 0xFF));
  EXPECT_THAT(pack({}, DataType::kInt4), ElementsAre());
  EXPECT_THROW(pack({1}, DataType::kFloat), InternalError);
}

// What the engine unpacks are the codes: every one of each narrow type, an odd count of them.
TEST(PackCodesTest, TheEngineUnpacksTheSameCodes) {
  for (const auto& [type, qmin, qmax] : {std::tuple{DataType::kInt4, -8, 7},
                                         {DataType::kUint4, 0, 15},
                                         {DataType::kInt8, -128, 127},
                                         {DataType::kUint16, 0, 65535}}) {
    std::vector<int32_t> codes;
    for (int32_t code = qmin; code <= qmax; ++code) codes.push_back(code);
    codes.push_back(qmax);
    Tensor packed{.name = "w", .type = type, .dims = {std::ssize(codes)}};
    packed.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
    GraphBuilder b(21);
    b.model.ir_version = 10;
    b.Input("x", {"1"}).Output("y").Floats("s", {}, {0.5F});
    b.model.graph.initializers["w"] = packed;
    b.Add("DequantizeLinear", {"w", "s"}, {"d"});
    b.Add("Add", {"d", "x"}, {"y"});
    const Tensor y = RunModel(b.model, {MakeFloatTensor("x", {1}, std::vector{0.0F})})[0];
    for (size_t i = 0; i < codes.size(); ++i)
      ASSERT_EQ(y.values<float>()[i], static_cast<float>(codes[i]) / 2) << DataTypeName(type);
  }
}

}  // namespace
}  // namespace qconvert

#include "qconvert/weights/code_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quantize.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor Codes(const std::vector<int32_t>& codes, DataType type = DataType::kInt8) {
  Tensor tensor;
  tensor.type = type;
  tensor.dims = {static_cast<int64_t>(codes.size())};
  tensor.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
  return tensor;
}

FittedWeights Fitted(const std::vector<int32_t>& codes, DataType type = DataType::kInt8) {
  FittedWeights out;
  out.weight = Codes(codes, type);
  out.params.type = type;
  out.format = NumericFormat();
  out.format.type = type;
  out.format.qmin = -100;
  out.format.qmax = 100;
  return out;
}

TEST(CodeStepsTest, OneLetterPerWeightSaysHowFarItIs) {
  EXPECT_EQ(StepsBetween(Codes({0, 5, -3, 7, 1}), Codes({1, 5, -5, 33, -25})), "a.BzZ");
  EXPECT_EQ(StepsBetween(Codes({1, 2}), Codes({1, 2})), "") << "the nearest ones need no letters";
}

TEST(CodeStepsTest, StepsThatAreAddedGiveTheCodesBack) {
  for (const DataType type : {DataType::kInt8, DataType::kInt16}) {
    const std::vector<int32_t> nearest = {-100, 0, 99, 42, -7};
    const std::vector<int32_t> wanted = {-80, -26, 100, 42, 19};
    FittedWeights weights = Fitted(nearest, type);
    EXPECT_EQ(AddSteps(StepsBetween(weights.weight, Codes(wanted, type)), weights), "");
    EXPECT_EQ(CodesOf(weights.weight), wanted);
    EXPECT_EQ(weights.weight.type, type);
  }
}

TEST(CodeStepsTest, WrongTextIsTold) {
  FittedWeights weights = Fitted({1, 2, 100});
  EXPECT_THAT(AddSteps("..", weights), HasSubstr("has 2 letters, expected 3"));
  EXPECT_THAT(AddSteps(".1.", weights), HasSubstr("a letter at 1"));
  EXPECT_THAT(AddSteps("..a", weights), HasSubstr("makes code 101 at 2, expected -100 to 100"));
  EXPECT_THAT(CodesOf(weights.weight), ElementsAre(1, 2, 100)) << "nothing was changed";
  weights.weight.type = DataType::kUint8;
  EXPECT_THAT(AddSteps("...", weights), HasSubstr("int8 or int16"));
}

TEST(TakeCodesTest, GivesTheWeightsCodesOfEveryWidth) {
  for (const DataType type : {DataType::kInt8, DataType::kInt16, DataType::kUint8}) {
    FittedWeights weights = Fitted({1, 2, 3}, type);
    EXPECT_TRUE(TakeCodes({100, 0, 7}, weights));
    EXPECT_THAT(CodesOfWeights(weights), ElementsAre(100, 0, 7));
    EXPECT_EQ(weights.weight.type, type);
    EXPECT_FALSE(TakeCodes({1, 2}, weights));
    EXPECT_FALSE(TakeCodes({1, 2, 3, 4}, weights));
    EXPECT_THAT(CodesOfWeights(weights), ElementsAre(100, 0, 7)) << "nothing was changed";
  }
}

}  // namespace
}  // namespace qconvert

#include "qconvert/calibration/tensorrt_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kFirst = "TRT-8501-EntropyCalibration2\n";

TEST(TensorRtCacheTest, IsToldByItsFirstWord) {
  EXPECT_TRUE(IsTensorRtCache(kFirst));
  EXPECT_FALSE(IsTensorRtCache("{\"format\": 1}"));
  EXPECT_FALSE(IsTensorRtCache(""));
}

TEST(TensorRtCacheTest, EveryTensorHasTheRangeOfItsStep) {
  const CalibrationTable table = ParseTensorRtCache(
      std::string(kFirst) + "input: 3c000000\r\n/a/b: 1: 3f800000\n\nzero: 0\nlast: 40490fdb",
      "c.cache");
  ASSERT_EQ(table.values.size(), 4U);
  EXPECT_EQ(table.values.at("input").max, 127.0F / 128);
  EXPECT_EQ(table.values.at("input").min, -127.0F / 128);
  EXPECT_EQ(table.values.at("/a/b: 1").max, 127);
  EXPECT_EQ(table.values.at("zero").max, 0);
  EXPECT_FLOAT_EQ(table.values.at("last").max, 127 * 3.14159265F);
  EXPECT_TRUE(table.values.at("input").histogram.counts().empty());
}

TEST(TensorRtCacheTest, OtherLinesAreRefusedWithTheirPlace) {
  for (const auto& [line, message] : std::vector<std::pair<std::string, std::string>>{
           {"input 3c000000", "c.cache:2: is 'input 3c000000', expected a name and the"},
           {"input: 3c0000000", "expected a name"},
           {"input: 3g", "expected a name"},
           {"input: ", "expected a name"},
           {"input: -1", "expected a name"},
           {"input: bf800000", "expected a name"},  // negative
           {"input: 7f800000", "expected a name"},  // infinite
           {"input: 7f7fffff", "expected a name"},  // 127 of them are
           {"input: 7fc00000", "expected a name"},  // no number
           {"a: 1\na: 1", "c.cache:3: has 'a' a second time"},
           {"\x1b[1m: x", "expected a name"}}) {
    EXPECT_THAT([&] { ParseTensorRtCache(kFirst + line, "c.cache"); },
                ThrowsMessage<Error>(HasSubstr(message)))
        << line;
  }
}

}  // namespace
}  // namespace qconvert

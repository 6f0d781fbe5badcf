#include "qconvert/base/suggest.h"

#include <gtest/gtest.h>

namespace qconvert {
namespace {

TEST(SuggestTest, FindsTypingErrors) {
  const std::vector<std::string> names = {"percentage", "per_channel", "method"};
  EXPECT_EQ(NearestName("percentge", names), "percentage");
  EXPECT_EQ(NearestName("perchannel", names), "per_channel");
  EXPECT_EQ(NearestName("METHOD", names), "method");
}

TEST(SuggestTest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(NearestName("banana", {"method"}), "");
  EXPECT_EQ(NearestName("", {"method"}), "");
  EXPECT_EQ(NearestName(std::string(100000, 'x'), {"method"}), "");
  EXPECT_EQ(DidYouMean("metod", {"method"}), ", did you mean 'method'?");
  EXPECT_EQ(DidYouMean("banana", {"method"}), "");
}

}  // namespace
}  // namespace qconvert

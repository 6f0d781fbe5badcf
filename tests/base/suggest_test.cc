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

TEST(SuggestTest, NeighboursThatChangedPlacesAreOneError) {
  EXPECT_EQ(NearestName("debgu", {"debug", "help"}), "debug");
  EXPECT_EQ(NearestName("hepl", {"debug", "help"}), "help");
  EXPECT_EQ(NearestName("urn", {"run", "presets"}), "run");
  EXPECT_EQ(NearestName("guebd", {"debug"}), "") << "no neighbours";
  EXPECT_EQ(NearestName("ab", {"ba"}), "") << "half of a name of two letters";
  EXPECT_EQ(NearestName("a", {"ab"}), "");
  EXPECT_EQ(NearestName("ab", {"abc"}), "abc") << "a third of the longer is near";
  EXPECT_EQ(NearestName("abcdef", {"abcd"}), "abcd");
  EXPECT_EQ(NearestName("abcde", {"abc"}), "");
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

#include "qconvert/base/suggest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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

// Optimal string alignment by its definition.
size_t SlowDistance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const std::string_view shorter_a = a.substr(1);
  const std::string_view shorter_b = b.substr(1);
  if (a[0] == b[0]) return SlowDistance(shorter_a, shorter_b);
  size_t least = std::min(
      {SlowDistance(shorter_a, b), SlowDistance(a, shorter_b), SlowDistance(shorter_a, shorter_b)});
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0])
    least = std::min(least, SlowDistance(a.substr(2), b.substr(2)));
  return least + 1;
}

TEST(SuggestTest, NearIsAThirdOfTheLongerName) {
  std::mt19937 engine(7);
  const auto some_name = [&] {
    std::string name(1 + engine() % 6, ' ');
    for (char& c : name) c = "abcB"[engine() % 4];
    return name;
  };
  const auto lower = [](std::string name) {
    std::replace(name.begin(), name.end(), 'B', 'b');
    return name;
  };
  int near = 0;
  for (int k = 0; k < 2000; ++k) {
    const std::string name = some_name();
    const std::string other = some_name();
    const bool is_near =
        SlowDistance(lower(name), lower(other)) * 3 <= std::max(name.size(), other.size());
    EXPECT_EQ(NearestName(name, {other}), is_near ? other : "") << name << " " << other;
    near += is_near ? 1 : 0;
  }
  EXPECT_GT(near, 100);
}

TEST(SuggestTest, TheFirstOfTheNearestIsTaken) {
  EXPECT_EQ(NearestName("layer", {"layers", "layer_", "later"}), "layers");
  EXPECT_EQ(NearestName("layer", {"layers", "LAYER"}), "LAYER");
  EXPECT_EQ(NearestName("layer", {}), "");
  EXPECT_EQ(NearestName("naïve", {"naive", "na\xc3\xafve"}), "na\xc3\xafve")
      << "bytes beyond ASCII";
}

}  // namespace
}  // namespace qconvert

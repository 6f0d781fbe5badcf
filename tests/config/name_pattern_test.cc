#include "qconvert/config/name_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace qconvert {
namespace {

using testing::StartsWith;

TEST(PatternOfNameTest, NamesThatReadAsTheyAreStayAsTheyAre) {
  for (const char* name : {"conv1", "/head/Conv[0]", "it's", "a b", "\u00fc\u2192", "x.re:y"})
    EXPECT_EQ(PatternOfName(name), name);
}

TEST(PatternOfNameTest, AnyNameFitsItsOwnPatternAlone) {
  const std::vector<std::string> names = {
      "conv1", "conv", "*",    "?",         "a*",    "ab",     "re:.*", "re:",    "--keep-float",
      "-",     "a\nb", "a\tb", "a\x1b[31m", "a\x7f", "(a|b)*", "\\d+?", "\u00fc*"};
  for (const std::string& name : names) {
    const std::string pattern = PatternOfName(name);
    EXPECT_EQ(FindPatternError(pattern), "") << name;
    for (const std::string& other : names)
      EXPECT_EQ(NamePattern(pattern).Matches(other), other == name) << pattern << " " << other;
  }
}

TEST(PatternOfNameTest, PatternsCanBeTyped) {
  for (const char* name : {"a\nb", "-o", "a\x1b[31m", "*\r"}) {
    const std::string pattern = PatternOfName(name);
    EXPECT_THAT(pattern, StartsWith("re:"));
    EXPECT_TRUE(std::all_of(pattern.begin(), pattern.end(), [](char c) { return c >= ' '; }));
  }
  EXPECT_EQ(PatternOfName("a\nb"), "re:a\\x0ab");
}

}  // namespace
}  // namespace qconvert

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
      "conv1",    "conv", "*",    "?",    "a*",        "ab",    "re:.*",  "re:",   "--keep-float",
      "search:a", "-",    "a\nb", "a\tb", "a\x1b[31m", "a\x7f", "(a|b)*", "\\d+?", "\u00fc*"};
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

TEST(NamePatternTest, SearchFindsAnywhere) {
  struct Row {
    const char* pattern;
    std::vector<std::string> fit;
    std::vector<std::string> others;
  };
  const Row rows[] = {
      {"search:neck", {"neck", "/neck/Conv", "a\nneck"}, {"Neck", ""}},
      {"search:^/neck/.*", {"/neck/Conv", "/neck/"}, {"a/neck/Conv", "/neck"}},
      {"search:a|b$", {"xay", "xb"}, {"bx"}},
      {"search:^(?!.*head).*", {"/body/Conv", ""}, {"/head/Conv", "a/head"}},
      {"search:^(?!/a|/b).*Conv", {"/c/Conv", "x/a/Conv"}, {"/a/Conv", "/b/Conv", "/c/Add"}},
      {"search:^(?=.*x)(?!.*[)\\]])y", {"yx"}, {"y", "yx)", "yx]", "zyx"}},
      {"search:^(?!a)(?!b)", {"c", ""}, {"a", "bc"}},
      {"search:^(?![]a)])", {"b"}, {"]", "a", ")"}},
      {"search:^(?!\\()x|^y", {"x", "y"}, {"(x"}},
      {"search:^(?!y).*zzz|.*y", {"y", "ay", "azzz"}, {"x", "zz"}},
      {"search:x|^(?!a|b)c", {"ax", "cd"}, {"ac", "b"}},
      {"search:^(?!a)[|](b|c)|\\|d", {"|b", "x|d"}, {"b", "c", "d"}},
      {"search:(?i)a|b", {"A", "B"}, {"c"}},
  };
  for (const auto& [pattern, fit, others] : rows) {
    ASSERT_EQ(FindPatternError(pattern), "") << pattern;
    for (const std::string& name : fit) EXPECT_TRUE(NamePattern(pattern).Matches(name)) << name;
    for (const std::string& name : others)
      EXPECT_FALSE(NamePattern(pattern).Matches(name)) << pattern << " " << name;
  }
}

TEST(NamePatternTest, ErrorsShowTheExpressionAsItWasWritten) {
  for (const char* wrong : {"search:(", "search:^(?!a", "search:^(?!*)x", "search:a(?!b)c"}) {
    const std::string error = FindPatternError(wrong);
    EXPECT_THAT(error, StartsWith("'" + WrittenPattern(wrong) + "' is no regular expression: "));
    EXPECT_THAT(error, testing::Not(testing::HasSubstr("search:")));
  }
  EXPECT_EQ(WrittenPattern("/head/*"), "/head/*");
}

}  // namespace
}  // namespace qconvert

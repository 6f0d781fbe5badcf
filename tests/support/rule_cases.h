// Files that break a rule of what goes together, and files that do not.
#ifndef QCONVERT_TESTS_SUPPORT_RULE_CASES_H_
#define QCONVERT_TESTS_SUPPORT_RULE_CASES_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/read_config.h"

namespace qconvert {

struct RuleCase {
  std::string text;
  std::string told;    // what one of its lines holds
  std::string silent;  // a file that is told nothing; empty: none
};

inline void ExpectWarnings(const std::vector<RuleCase>& cases) {
  for (const RuleCase& one : cases) {
    ASSERT_THAT(ProblemsOf(one.text), testing::IsEmpty()) << one.text;
    const std::vector<std::string> warnings = LoadText(one.text).warnings;
    EXPECT_TRUE(AnyHolds(warnings, one.told)) << one.text << "\n"
                                              << testing::PrintToString(warnings);
    if (one.silent.empty()) continue;
    ASSERT_THAT(ProblemsOf(one.silent), testing::IsEmpty()) << one.silent;
    EXPECT_FALSE(AnyHolds(LoadText(one.silent).warnings, "no effect"))
        << one.silent << "\n"
        << testing::PrintToString(LoadText(one.silent).warnings);
  }
}

inline void ExpectProblems(const std::vector<RuleCase>& cases) {
  for (const RuleCase& one : cases) {
    const std::vector<std::string> problems = ProblemsOf(one.text);
    EXPECT_TRUE(AnyHolds(problems, one.told)) << one.text << "\n"
                                              << testing::PrintToString(problems);
    EXPECT_THAT(ProblemsOf(one.silent), testing::IsEmpty()) << one.silent;
  }
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_RULE_CASES_H_

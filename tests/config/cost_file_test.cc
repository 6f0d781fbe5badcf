#include "qconvert/config/cost_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/config_node.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kTerms = {"kernel", "Add.float"};

std::string Text(const std::string& times) {
  return R"({"format": "qconvert cost table", "version": 1, "ns": )" + times + "}";
}

std::vector<std::string> ProblemsOf(const std::string& text) {
  try {
    ParseCostFile(text, "c.json", kTerms);
  } catch (const ConfigError& e) {
    return e.problems();
  }
  return {};
}

TEST(CostFileTest, TimesComeInTheOrderOfTheTerms) {
  EXPECT_THAT(ParseCostFile(Text(R"({"Add.float": 0.5, "kernel": 100})"), "c.json", kTerms),
              ElementsAre(100, 0.5));
}

TEST(CostFileTest, WhatIsWrittenIsRead) {
  const std::vector<double> times = {1500, 0.0123};
  const std::string text = CostFileText(kTerms, times, "qconvert 1", "engine 2");
  EXPECT_EQ(ParseCostFile(text, "c.json", kTerms), times);
}

TEST(CostFileTest, EveryTermIsWantedAndNoOther) {
  EXPECT_THAT(ProblemsOf(Text(R"({"kernel": 1, "Add.flot": 2})")),
              ElementsAre(HasSubstr("unknown key 'Add.flot', did you mean 'Add.float'?")));
  EXPECT_THAT(ProblemsOf(Text(R"({"kernel": 1, "unheard": 2})")),
              ElementsAre(HasSubstr("no time of 'Add.float'"), HasSubstr("'unheard'")));
}

TEST(CostFileTest, TimesAreNumbersThatAreNotNegative) {
  EXPECT_THAT(ProblemsOf(Text(R"({"kernel": -1, "Add.float": "much"})")),
              ElementsAre(HasSubstr("-1"), HasSubstr("much")));
}

TEST(CostFileTest, FilesOfAnotherKindAreToldSo) {
  EXPECT_THAT(ProblemsOf(R"({"format": "qconvert quant_info", "version": 1})"),
              ElementsAre(HasSubstr("c.json:1:12: is no cost table")));
  EXPECT_THAT(ProblemsOf(R"({"format": "qconvert cost table", "version": 2, "ns": {}})"),
              ElementsAre(HasSubstr("version is '2', expected 1")));
  EXPECT_THAT(ProblemsOf(R"({"format": "qconvert cost table", "version": 1})"),
              ElementsAre(HasSubstr("has no times")));
}

}  // namespace
}  // namespace qconvert

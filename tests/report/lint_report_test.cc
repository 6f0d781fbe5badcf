#include "qconvert/report/lint_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = LintedNode::Kind;

Lint TwoRules(size_t more = 0) {
  Lint lint{.model = "m.onnx", .target = "cpu", .nodes = {}};
  lint.nodes.push_back({"c1", "Conv", Kind::kInteger, {}});
  lint.nodes.push_back({"c2", "Conv", Kind::kInteger, {}});
  lint.nodes.push_back({"r", "Relu", Kind::kAbsorbed, {}});
  lint.nodes.push_back({"shape", "Shape", Kind::kOther, {}});
  lint.nodes.push_back(
      {"t", "Tanh", Kind::kFloat, {"operator", "t_out", "Tanh", "an operator with a kernel"}});
  for (size_t i = 0; i <= more; ++i)
    lint.nodes.push_back({"a" + std::to_string(i),
                          "Add",
                          Kind::kFloat,
                          {"input", "x", "an input of the graph", "codes"}});
  return lint;
}

TEST(LintReportTest, CountsKindsAndNamesRulesWithTheirNodes) {
  const std::string text = FormatLint(TwoRules());
  EXPECT_THAT(text, HasSubstr("m.onnx on cpu\n  2 integer, 1 computed with them, 2 float\n"));
  EXPECT_THAT(text, HasSubstr("2 x Conv on integers\n"));
  EXPECT_THAT(text, HasSubstr("1 x float, rule \"input\"\n    a0  Add\n      at x: an input of the "
                              "graph, wanted codes\n"));
  EXPECT_THAT(text, HasSubstr("1 x float, rule \"operator\"\n    t  Tanh\n"));
  EXPECT_THAT(text, Not(HasSubstr("Shape"))) << "it works on no values";
}

TEST(LintReportTest, ManyNodesOfOneRuleAreCut) {
  EXPECT_THAT(FormatLint(TwoRules(19)), Not(HasSubstr("more, --json")));
  const std::string text = FormatLint(TwoRules(24));
  EXPECT_THAT(text, HasSubstr("    a19  Add"));
  EXPECT_THAT(text, Not(HasSubstr("    a20  Add")));
  EXPECT_THAT(text, HasSubstr("    and 5 more, --json has them\n"));
}

TEST(LintReportTest, OfAFloatModelNoNodeIsListed) {
  Lint lint = TwoRules(24);
  lint.holds_codes = false;
  const std::string text = FormatLint(lint);
  EXPECT_THAT(text, HasSubstr("m.onnx on cpu\n"));
  EXPECT_THAT(text, HasSubstr("\n  no operator is quantized: the file has neither pairs nor"));
  EXPECT_THAT(text, Not(HasSubstr("rule"))) << "all break the same one";
  const auto json = nlohmann::json::parse(LintJson(lint, "success"));
  EXPECT_EQ(json["quantized"], false);
  EXPECT_EQ(json["float_nodes"].size(), 26U);
  EXPECT_EQ(nlohmann::json::parse(LintJson(TwoRules(), "success"))["quantized"], true);
}

TEST(LintReportTest, JsonHasEveryFloatNode) {
  const auto json = nlohmann::json::parse(LintJson(TwoRules(24), "success"));
  EXPECT_EQ(json["exit"], "success");
  EXPECT_EQ(json["integer_nodes"], 2);
  EXPECT_EQ(json["integer_types"], nlohmann::json({{"Conv", 2}}));
  EXPECT_EQ(json["absorbed_nodes"], 1);
  ASSERT_EQ(json["float_nodes"].size(), 26U);
  EXPECT_EQ(json["float_nodes"][0]["name"], "t");
  EXPECT_EQ(json["float_nodes"][0]["at"], "t_out");
  EXPECT_EQ(json["float_nodes"][25]["wanted"], "codes");
}

TEST(LintReportTest, NamesOfAnyBytesAreText) {
  Lint lint = TwoRules();
  lint.nodes[4].name = "\xff\x1b[31m";
  EXPECT_NO_THROW(nlohmann::json::parse(LintJson(lint, "success")));
  EXPECT_THAT(FormatLint(lint), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace qconvert

// What a table lets pass, for every kind of setting, and what it says of the rest.
#include "text/setting_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "text/node_edit.h"
#include "text/parse_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Setting::Kind;

struct Checked {
  ConfigNode root;
  std::vector<std::string> problems;
  ConfigNotes notes;
};

Checked Check(const std::string& text, const SettingTable& table) {
  Checked out{ParseConfig(text, "c.yaml"), {}, {}};
  ConfigProblems problems("c.yaml");
  CheckSettings(out.root, table, problems, out.notes);
  out.problems = problems.Texts();
  return out;
}

// What one setting named k makes of a value; empty: it passes.
std::string ProblemOf(Setting setting, const std::string& value) {
  setting.name = "k";
  const SettingTable table{"t", {setting}};
  const Checked checked = Check("k: " + value + "\n", table);
  EXPECT_LE(checked.problems.size(), 1U) << value;
  return checked.problems.empty() ? "" : checked.problems[0];
}

struct Row {
  Setting setting;
  std::vector<std::string> good;
  std::vector<std::pair<std::string, std::string>> bad;  // value, end of the message
};

TEST(SettingTableTest, EveryKindOfSetting) {
  static const SettingTable inner{"i", {{.name = "a", .kind = Kind::kBool}}};
  const std::vector<Row> rows = {
      {{.kind = Kind::kBool},
       {"true", "false"},
       {{"yes", "is 'yes', expected true or false"},
        {"1", "is '1', expected true or false"},
        {"\"true\"", "is 'true', expected true or false"},
        {"[true]", "is 'a list', expected true or false"}}},
      {{.kind = Kind::kBool, .words = {"auto"}},
       {"true", "auto", "\"auto\""},
       {{"aut", "expected true or false or auto"}}},
      {{.kind = Kind::kInteger, .min = 1, .max = 8},
       {"1", "8", "08"},
       {{"0", "expected a whole number of at least 1 and at most 8"},
        {"9", "is '9', expected a whole number of at least 1 and at most 8"},
        {"1.5", "is '1.5', expected a whole number"},
        {"\"3\"", "is '3', expected a whole number"},
        {"99999999999999999999", "expected a whole number"},
        {"0x3", "expected a whole number"},
        {"{}", "is 'a map', expected a whole number"}}},
      {{.kind = Kind::kNumber, .min = 0, .above_min = true},
       {"0.5", "1e-9", "3"},
       {{"0", "expected a number above 0"},
        {"-1", "expected a number above 0"},
        {".inf", "expected a number above 0"},
        {"nan", "expected a number above 0"},
        {"1e999", "expected a number above 0"}}},
      {{.kind = Kind::kNumber, .max = 2},
       {"-5", "2"},
       {{"2.01", "expected a number of at most 2"}}},
      {{.kind = Kind::kWord, .words = {"maxmin", "entropy"}},
       {"maxmin", "\"entropy\""},
       {{"maxmi", "is 'maxmi', expected maxmin, entropy, did you mean 'maxmin'?"},
        {"Maxmin", "did you mean 'maxmin'?"},
        {"[maxmin]", "is 'a list', expected maxmin, entropy"}}},
      {{.kind = Kind::kText}, {"x", "\"1\"", "7"}, {{"\"\"", "expected a text"}}},
      {{.kind = Kind::kWords, .words = {"a", "b"}},
       {"[a, b]", "[]", "[a, ~]"},
       {{"a", "is 'a', expected a list"}, {"[c]", "is 'c', expected a, b"}}},
      {{.kind = Kind::kTexts},
       {"[x, 7]", "[]"},
       {{"x", "expected a list"}, {"[[x]]", "is 'a list', expected a list of texts"}}},
      {{.kind = Kind::kObject, .object = &inner},
       {"{a: true}", "{}", "{a: ~}"},
       {{"[]", "expected a map"},
        {"{a: 3}", "a is '3', expected true or false"},
        {"{aa: true}", "unknown key 'aa'"}}},
      {{.kind = Kind::kObjects, .object = &inner},
       {"[{a: true}, {}]", "[]"},
       {{"{a: true}", "expected a list"}, {"[x]", "is 'x', expected maps in it"}}},
      {{.kind = Kind::kNamed, .object = &inner},
       {"{any name: {a: true}}"},
       {{"[]", "expected a map"}, {"{n: 3}", "is '3', expected maps in it"}}},
      {{.kind = Kind::kAnything}, {"[1, {x: [2]}]", "x"}, {}}};
  for (const Row& row : rows) {
    EXPECT_EQ(ProblemOf(row.setting, "~"), "") << "null is not given";
    for (const std::string& value : row.good) EXPECT_EQ(ProblemOf(row.setting, value), "") << value;
    for (const auto& [value, end] : row.bad) {
      const std::string problem = ProblemOf(row.setting, value);
      EXPECT_THAT(problem, testing::StartsWith("c.yaml:1:")) << value;
      EXPECT_THAT(problem, HasSubstr(end)) << value;
    }
  }
}

// What failed is null for the readers behind, what was null is gone, and all else stays in order.
TEST(SettingTableTest, WhatFailsIsTakenForNotGiven) {
  const SettingTable table{"t",
                           {{.name = "a", .kind = Kind::kInteger},
                            {.name = "b", .kind = Kind::kTexts},
                            {.name = "c", .kind = Kind::kBool}}};
  const Checked checked = Check("c: true\nd: 1\na: x\nb: [~]\n", table);
  EXPECT_THAT(checked.problems, ElementsAre(HasSubstr("c.yaml:2:1: unknown key 'd'"),
                                            HasSubstr("c.yaml:3:4: a is 'x'")));
  EXPECT_NE(FindValue(checked.root, "c"), nullptr);
  EXPECT_EQ(FindValue(checked.root, "a"), nullptr);
  EXPECT_NE(checked.root.Find("a"), nullptr) << "its place is known";
  EXPECT_EQ(checked.root.Find("b"), nullptr) << "a list of nothing but null";
}

TEST(SettingTableTest, WhatMattersToACompilerIsAnInfo) {
  const SettingTable table{"t", {{.name = "o", .kind = Kind::kText, .compiler_only = true}}};
  EXPECT_THAT(Check("o: O3\n", table).notes.infos,
              ElementsAre("c.yaml:1:1: o matters to the vendor's compiler alone, no effect"));
  EXPECT_THAT(Check("o: ~\n", table).notes.infos, IsEmpty());
}

TEST(SettingTableTest, FilesOfAnotherFormAreRefusedAtOnce) {
  for (const auto& [text, message] :
       {std::pair{"{a: 1}", "is no cost table: format is missing, expected 'costs'"},
        {"{format: other, version: 1}", "format is 'other', expected 'costs'"},
        {"{format: costs}", "version is missing, expected 2"},
        {"{format: costs, version: 1}", "version is '1', expected 2"},
        {"{format: costs, version: \"2\"}", "version is '2', expected 2"}}) {
    const ConfigNode root = ParseConfig(text, "c.yaml");
    ConfigProblems problems("c.yaml");
    EXPECT_THAT([&] { CheckFileForm(root, "cost table", "costs", 2, problems); },
                ThrowsError(ExitCode::kConfig, message));
  }
  ConfigProblems problems("c.yaml");
  CheckFileForm(ParseConfig("{format: costs, version: 2}", "c.yaml"), "cost table", "costs", 2,
                problems);
  EXPECT_TRUE(problems.empty());
}

TEST(NodeEditTest, ListsInOneScalar) {
  EXPECT_THAT(SplitList("a;b ;\t c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(SplitList(""), ElementsAre(""));
  EXPECT_THAT(SplitList(";a;"), ElementsAre("", "a", ""));
  EXPECT_THAT(SplitList("1x3x 8", 'x'), ElementsAre("1", "3", "8"));
}

TEST(NodeEditTest, PathsAreThoseOfTheFilesFolder) {
  EXPECT_EQ(ResolvePath("/a/b", "c.json"), "/a/b/c.json");
  EXPECT_EQ(ResolvePath("/a/b", "../c.json"), "/a/c.json");
  EXPECT_EQ(ResolvePath("/a/b", "/c.json"), "/c.json");
  EXPECT_EQ(ResolvePath("", "c.json"), "c.json");
}

TEST(NodeEditTest, ChildrenAreMadeOnceAndKeepTheirOrder) {
  ConfigNode map;
  ChildOf(map, "b") = WordNode("1");
  ChildOf(map, "a") = WordNode("2");
  ChildOf(map, "b").scalar += "1";
  EXPECT_EQ(map.kind, ConfigNode::Kind::kMap);
  ASSERT_EQ(map.entries.size(), 2U);
  EXPECT_EQ(map.entries[0].value.scalar, "11");
  EXPECT_EQ(FindValue(map, "c"), nullptr);
  ChildOf(map, "c");
  EXPECT_EQ(FindValue(map, "c"), nullptr) << "null until something is put there";
}

}  // namespace
}  // namespace qconvert

// Trees of settings: looking up, building, and how problems are collected.
#include "qconvert/config/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "op_names.h"
#include "qconvert/config/setting_position.h"
#include "text/json_syntax.h"
#include "text/node_edit.h"
#include "text/parse_config.h"

namespace qconvert {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigPlace At(int line, int column) {
  return {std::make_shared<const std::string>("c.yaml"), line, column};
}

TEST(ConfigPlaceTest, FilesOptionsAndDefaults) {
  EXPECT_EQ(At(3, 7).Text(), "c.yaml:3:7");
  EXPECT_EQ(At(0, 0).Text(), "c.yaml") << "as a whole";
  EXPECT_EQ(ConfigPlace{}.Text(), "default");
  EXPECT_TRUE(ConfigPlace{}.is_default());
  const ConfigPlace odd{std::make_shared<const std::string>("a\x1b[31m\xff\n.yaml"), 1, 1};
  EXPECT_THAT(odd.Text(), AllOf(testing::Not(HasSubstr("\x1b")), testing::Not(HasSubstr("\n"))));
}

TEST(ConfigNodeTest, ShownAsPeopleWriteIt) {
  const ConfigNode root = ParseConfig("a: 1.50\nb: [x]\nc: {d: e}\nf: null\ng: ''\n", "c.yaml");
  EXPECT_EQ(root.Find("a")->Shown(), "1.50");
  EXPECT_EQ(root.Find("b")->Shown(), "a list");
  EXPECT_EQ(root.Find("c")->Shown(), "a map");
  EXPECT_EQ(root.Find("f")->Shown(), "null");
  EXPECT_EQ(root.Find("g")->Shown(), "");
  EXPECT_EQ(root.Find("d"), nullptr) << "not in depth";
  EXPECT_EQ(root.Find("a")->Find("a"), nullptr) << "no map";
}

TEST(ConfigProblemsTest, ComeInTheOrderOfTheFileAndOptionsLast) {
  ConfigProblems problems("c.yaml");
  EXPECT_NO_THROW(problems.ThrowIfAny());
  problems.Add({std::make_shared<const std::string>("--set a=1"), 0, 0}, "option");
  problems.Add(At(10, 1), "ten");
  problems.Add(At(2, 9), "two");
  problems.Add(At(2, 3), "before");
  problems.Add({}, "default");
  problems.Add(At(2, 3), "the same place");
  EXPECT_THAT(problems.Texts(),
              ElementsAre("c.yaml:2:3: before", "c.yaml:2:3: the same place", "c.yaml:2:9: two",
                          "c.yaml:10:1: ten", "--set a=1: option", "c.yaml: default"));
  try {
    problems.ThrowIfAny();
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.problems().size(), 6U);
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    EXPECT_THAT(e.what(), HasSubstr("c.yaml:2:3: before"));
  }
}

TEST(ConfigProblemsTest, AHundredAreToldAndTheRestIsCounted) {
  ConfigProblems problems("c.yaml");
  for (int line = 1; line <= 99; ++line) problems.Add(At(line, 1), "x");
  EXPECT_FALSE(problems.full());
  problems.Add(At(100, 1), "x");
  EXPECT_TRUE(problems.full());
  EXPECT_EQ(problems.Texts().size(), 100U);
  problems.Add(At(1, 1), "y");
  problems.Add(At(1, 2), "y");
  ASSERT_EQ(problems.Texts().size(), 101U);
  EXPECT_EQ(problems.Texts().back(), "c.yaml: 2 more problems");
}

TEST(ConfigProblemsTest, WhatATerminalWouldObeyIsEscaped) {
  ConfigProblems problems("c\n.yaml");
  problems.Add({}, "a \x1b[2J b\n");
  EXPECT_THAT(problems.Texts()[0],
              AllOf(testing::Not(HasSubstr("\x1b")), testing::Not(HasSubstr("\n"))));
}

TEST(NodeEditTest, ChildrenAreMadeWhereTheyAreMissing) {
  ConfigNode map = MapNode(At(4, 2));
  ChildOf(map, "a") = WordNode("1");
  ChildOf(ChildOf(map, "b"), "c") = WordNode("2", At(9, 9));
  EXPECT_EQ(map.Find("a")->scalar, "1");
  EXPECT_EQ(map.Find("b")->Find("c")->place.Text(), "c.yaml:9:9");
  EXPECT_EQ(map.entries[0].key.place.Text(), "c.yaml:4:2") << "the place of its map";
  ChildOf(map, "a") = WordNode("3");
  EXPECT_EQ(map.entries.size(), 2U);
  EXPECT_EQ(map.Find("a")->scalar, "3");
  ConfigNode word = WordNode("x");
  ChildOf(word, "k");
  EXPECT_EQ(word.kind, ConfigNode::Kind::kMap);
}

TEST(NodeEditTest, OneWordIsAListOfIt) {
  ConfigNode map = ParseConfig("one: x\nmany: [a, b]\nnone: null\n", "c.yaml");
  ListOf(map, "one").items.push_back(WordNode("y"));
  EXPECT_THAT(map.Find("one")->items,
              ElementsAre(Field(&ConfigNode::scalar, "x"), Field(&ConfigNode::scalar, "y")));
  EXPECT_EQ(ListOf(map, "many").items.size(), 2U);
  EXPECT_THAT(ListOf(map, "none").items, IsEmpty());
  EXPECT_THAT(ListOf(map, "absent").items, IsEmpty());
  EXPECT_EQ(map.Find("absent")->kind, ConfigNode::Kind::kSequence);
  EXPECT_EQ(FindValue(map, "not there"), nullptr);
  EXPECT_EQ(FindValue(ParseConfig("k: null\n", "c.yaml"), "k"), nullptr);
}

TEST(NodeEditTest, ListsInOneWordAreSplit) {
  EXPECT_THAT(SplitList("a;b ;\tc d"), ElementsAre("a", "b", "c d"));
  EXPECT_THAT(SplitList(""), ElementsAre(""));
  EXPECT_THAT(SplitList(";"), ElementsAre("", ""));
  EXPECT_THAT(SplitList("  ; x ;"), ElementsAre("", "x", ""));
  EXPECT_THAT(SplitList("a;b,c", ','), ElementsAre("a;b", "c"));
  EXPECT_THAT(SplitList("\xC3\xA4 ; \xC3\xB6"), ElementsAre("\xC3\xA4", "\xC3\xB6"));
}

TEST(NodeEditTest, PathsAreThoseOfTheFilesFolder) {
  EXPECT_EQ(ResolvePath("/cfg", "a/b.npy"), "/cfg/a/b.npy");
  EXPECT_EQ(ResolvePath("/cfg/x", "../b"), "/cfg/b");
  EXPECT_EQ(ResolvePath("/cfg", "/abs/../b"), "/abs/../b") << "as it is written";
  EXPECT_EQ(ResolvePath("", "a/../b"), "a/../b");
  EXPECT_EQ(ResolvePath("/cfg", "."), "/cfg/");
}

TEST(SettingPositionTest, TheDeepestPartThatIsWritten) {
  const ConfigNode root = ParseConfig("a:\n  b:\n    c: 1\n", "c.yaml");
  EXPECT_EQ(PositionOf(root, {"a", "b", "c"}).Text(), "c.yaml:3:8");
  EXPECT_EQ(PositionOf(root, {"a", "x", "c"}).Text(), "c.yaml:2:3") << "of the part around it";
}

// Where the first error of a JSON text is.
size_t ByteOf(const std::string& text) { return FindJsonError(text, 8).value().byte; }

TEST(JsonSyntaxTest, TheByteIsTheOneThatIsWrong) {
  EXPECT_FALSE(FindJsonError("{\"a\": [1, 2e5, \"x\", null, true]}", 8));
  EXPECT_FALSE(FindJsonError("\xEF\xBB\xBF{}", 8));
  EXPECT_FALSE(FindJsonError(" \r\n\t", 8)) << "empty";
  EXPECT_EQ(ByteOf("{\"a\": 1,}"), 8U);
  EXPECT_EQ(ByteOf("\xEF\xBB\xBF{\"a\": 1,}"), 11U) << "the mark counts";
  EXPECT_EQ(ByteOf("a: 1"), 0U);
  EXPECT_EQ(ByteOf("  a: 1"), 2U);
  EXPECT_EQ(ByteOf("{\"a\": 1"), 7U);
  EXPECT_EQ(ByteOf("{} {}"), 3U);
}

TEST(JsonSyntaxTest, HintsSayWhatPeopleWriteInstead) {
  const auto message = [](const std::string& text) {
    return FindJsonError(text, 8).value().message;
  };
  for (const char* text :
       {"{\"a\": 1 // x\n}", "{\"a\": 1 # x\n}", "{\"a\": /* x */ 1}", "# x\n{}"})
    EXPECT_THAT(message(text), HasSubstr("no comments")) << text;
  EXPECT_THAT(message("{\"a\": [1,]}"), HasSubstr("a comma before the closing bracket"));
  EXPECT_THAT(message("{\"a\": ,}"), HasSubstr("is not JSON at ','"));
  EXPECT_THAT(message("{\"a\""), HasSubstr("ends too early"));
  EXPECT_THAT(message("a: 1"), HasSubstr("YAML is named .yaml"));
  EXPECT_THAT(message("{\"a\": 1e999}"), HasSubstr("too large"));
}

TEST(JsonSyntaxTest, NestingHasALimit) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_FALSE(FindJsonError(nested(8), 8));
  EXPECT_THAT(FindJsonError(nested(9), 8)->message, HasSubstr("deeper than 8 levels"));
  EXPECT_FALSE(FindJsonError("[[],[],[],[],[],[],[],[],[],[]]", 2)) << "beside each other";
}

TEST(OpNamesTest, ModulesOfPyTorchAndTypesOfOnnx) {
  const auto types = [](const std::string& name) {
    std::vector<std::string> out;
    for (const OpMatch& match : FindOpTypes(name)) out.push_back(match.op_type);
    return out;
  };
  EXPECT_THAT(types("Conv"), ElementsAre("Conv"));
  EXPECT_THAT(types("torch.nn.Linear"), ElementsAre("Gemm", "MatMul"));
  EXPECT_THAT(types("torch.nn.functional.interpolate"), ElementsAre("Resize", "Upsample"));
  EXPECT_THAT(types("conv"), IsEmpty()) << "with regard to case";
  EXPECT_THAT(types("torch.nn."), IsEmpty());
  EXPECT_THAT(types(""), IsEmpty());
  for (const std::string& name : KnownOpNames()) EXPECT_THAT(types(name), testing::Not(IsEmpty()));
  for (const std::string& name : KnownOpNames())
    for (const std::string& type : types(name))
      EXPECT_EQ(types(type).at(0), type) << name << " stands for a type of ONNX";
}

}  // namespace
}  // namespace qconvert

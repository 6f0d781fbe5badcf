// Texts as such: YAML, JSON, and what is refused before any setting is looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"
#include "text/parse_config.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ProblemOf(const std::string& text, const std::string& file) {
  try {
    ParseConfig(text, file);
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.problems().size(), 1U);
    return e.problems()[0];
  }
  return "";
}

std::string Repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(ConfigSyntaxTest, KeepsPlacesOfKeysAndValues) {
  const ConfigNode root = ParseConfig("a: 1\nb:\n  - x\n  - {c: 'y'}\n", "c.yaml");
  EXPECT_EQ(root.entries[0].value.place.Text(), "c.yaml:1:4");
  EXPECT_EQ(root.Find("b")->items[1].entries[0].value.place.Text(), "c.yaml:4:9");
  EXPECT_TRUE(root.Find("b")->items[1].entries[0].value.quoted);
  EXPECT_EQ(root.Find("c"), nullptr);
}

TEST(ConfigSyntaxTest, ReadsJsonHoweverItIsLaidOut) {
  for (const char* text :
       {"{\"a\": [1, 2.5e3, true, null], \"b\": {\"c\": \"x\\\"y\"}}",
        "{\n\t\"a\" : [ 1,2.5e3,\n\ttrue , null ] ,\n\t\"b\":{\"c\":\"x\\\"y\"}\n}\n",
        "\xEF\xBB\xBF{\r\n  \"a\": [1, 2.5e3, true, null],\r\n  \"b\": {\"c\": "
        "\"x\\u0022y\"}}\r\n"}) {
    const ConfigNode root = ParseConfig(text, "c.json");
    ASSERT_EQ(root.Find("a")->items.size(), 4U) << text;
    EXPECT_EQ(root.Find("a")->items[1].scalar, "2.5e3");
    EXPECT_EQ(root.Find("a")->items[3].kind, ConfigNode::Kind::kNull);
    EXPECT_EQ(root.Find("b")->Find("c")->scalar, "x\"y");
  }
}

TEST(ConfigSyntaxTest, RefusesWithThePlace) {
  const std::string bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"", "c.yaml", "c.yaml: is empty, expected settings"},
      {"# nothing\n", "c.yaml", "c.yaml: is empty, expected settings"},
      {"", "c.json", "c.json: is empty, expected settings"},
      {"[1]", "c.yaml", "c.yaml:1:1: expected a map of settings"},
      {"word", "c.yaml", "c.yaml:1:1: expected a map of settings"},
      {"[1]", "c.json", "c.json:1:1: expected a map of settings"},
      {std::string("\x9f\x01\xfe\xff random", 11), "c.yaml", "c.yaml:1:1: is not UTF-8 text"},
      {"a: \xC3\x28\n", "c.yaml", "c.yaml:1:4: is not UTF-8 text"},
      {std::string("\xFF\xFE"
                   "a\0:\0",
                   6),
       "c.yaml", "holds a NUL byte"},
      {std::string("a: b\nc\0: 1", 10), "c.yaml", "c.yaml:2:2: holds a NUL byte"},
      {"a:\n\tb: 1\n", "c.yaml", "c.yaml:2:"},
      {"{a: [1, 2", "c.yaml", "c.yaml:1:"},
      {Repeated("[", 100000), "c.yaml", "is nested deeper than 64 levels"},
      {Repeated("- ", 100000), "c.yaml", "is nested deeper than 64 levels"},
      {"{\"a\":" + Repeated("[", 100000), "c.json", "is nested deeper than 64 levels"},
      {Repeated("{\"a\":", 100000), "c.json", "is nested deeper than 64 levels"},
      {bomb, "c.yaml", "c.yaml:1:4: anchors are not allowed"},
      {"&a [*a]\n", "c.yaml", "anchors are not allowed"},
      {"a: *b\n", "c.yaml", "c.yaml:1:4: "},
      {"a: 1\nb: 2\na: 3\n", "c.yaml", "c.yaml:3:1: key 'a' is given twice, first at line 1"},
      {"{\"a\": 1,\n \"a\": 2}", "c.json", "c.json:2:2: key 'a' is given twice, first at line 1"},
      {"a: !!python/object/apply:os.system [x]\n", "c.yaml", "tag '"},
      {"a: 1\n---\nb: 2\n", "c.yaml", "has a second document, expected one"},
      {"? [a, b]\n: 1\n", "c.yaml", "a key must be a word"},
      {"{\"a\": 1,}", "c.json", "c.json:1:9: a comma before the closing bracket is not JSON"},
      {"{\"a\": 1, // one\n\"b\": 2}", "c.json", "c.json:1:10: JSON has no comments"},
      {"{\"a\": 1, /* one */ \"b\": 2}", "c.json", "JSON has no comments"},
      {"# settings\n{\"a\": 1}", "c.json", "JSON has no comments"},
      {"{\"a\": ", "c.json", "the text ends too early for JSON"},
      {"{\"a\": NaN}", "c.json", "c.json:1:7: is not JSON"},
      {"{\"a\": 1} {\"a\": 1}", "c.json", "c.json:1:10: is not JSON at '{'"},
      {"target_device: CPU\n", "c.json", "a file of YAML is named .yaml"},
      {"{\"a\": 1e999}", "c.json", "c.json:1:11: a number is too large"},
  };
  for (const auto& [text, file, message] : cases)
    EXPECT_THAT(ProblemOf(text, file), HasSubstr(message)) << text.substr(0, 60);
}

TEST(ConfigSyntaxTest, SixtyFourLevelsAreFine) {
  const std::string text = "a: " + Repeated("[", 63) + Repeated("]", 63);
  EXPECT_EQ(ParseConfig(text, "c.yaml").entries.size(), 1U);
  EXPECT_THAT(ProblemOf("a: " + Repeated("[", 64) + Repeated("]", 64), "c.yaml"),
              HasSubstr("nested deeper"));
}

TEST(ConfigSyntaxTest, ManyProblemsAreToldInTheOrderOfTheFileAndThenCounted) {
  std::string text = "target_device: DPU\n";
  for (int i = 0; i < 50000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto problems = ProblemsOf(text);
  ASSERT_EQ(problems.size(), 101U);
  EXPECT_THAT(problems[0], StartsWith("c.yaml:2:1: unknown key 'k0'"));
  EXPECT_THAT(problems[99], StartsWith("c.yaml:101:1: unknown key 'k99'"));
  EXPECT_EQ(problems[100], "c.yaml: 49900 more problems");
}

TEST(ConfigSyntaxTest, ControlCharactersDoNotReachTheTerminal) {
  const auto problems = ProblemsOf("target_device: DPU\n\"\\e[2Jx\": 1\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("unknown key '\\x1b[2Jx'"));
}

TEST(ConfigSyntaxTest, YamlSpellsBoolsInThreeWays) {
  const std::string cpu =
      "target_device: CPU\nmethod: maxmin\nscale_type: float\ncalib_statistic_method: max\n";
  for (const auto& [word, value] : {std::pair{"true", true},
                                    {"True", true},
                                    {"TRUE", true},
                                    {"false", false},
                                    {"FALSE", false}}) {
    const LoadedConfig loaded = LoadText(cpu + "symmetry: " + word + "\n");
    EXPECT_EQ(loaded.config.tensors.activation.symmetry, value) << word;
    EXPECT_EQ(loaded.config, LoadText(cpu, {std::string("symmetry=") + word}).config) << word;
  }
  for (const char* word : {"\"True\"", "tRUE", "yes", "on", "1"})
    EXPECT_TRUE(AnyHolds(ProblemsOf(cpu + "symmetry: " + word + "\n"), "expected true or false"))
        << word;
  EXPECT_TRUE(AnyHolds(ProblemsOf("{\"target_device\": \"CPU\", \"symmetry\": True}", {}, "c.json"),
                       "is not JSON"));
}

}  // namespace
}  // namespace qconvert

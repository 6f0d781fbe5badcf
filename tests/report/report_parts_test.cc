// Parts that reports are put together from: sizes, names, rows, reasons, guilty nodes, verdicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "float_reasons.h"
#include "guilty_text.h"
#include "json_text.h"
#include "qconvert/base/metric.h"
#include "qconvert/base/utf8.h"
#include "qconvert/base/wrap.h"
#include "qconvert/report/advice.h"
#include "qconvert/report/table_report.h"
#include "qconvert/report/verification.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(JsonTextTest, SizesChangeTheirUnitAtFiveDigits) {
  const std::vector<std::pair<int64_t, std::string>> rows = {{0, "0 B"},
                                                             {1, "1 B"},
                                                             {9'999, "9999 B"},
                                                             {10'000, "10.0 kB"},
                                                             {488'512, "488.5 kB"},
                                                             {9'999'949, "9999.9 kB"},
                                                             {10'000'000, "10.0 MB"},
                                                             {1'234'567'890, "1234.6 MB"}};
  for (const auto& [bytes, text] : rows) EXPECT_EQ(Size(bytes), text);
}

TEST(JsonTextTest, LongNamesKeepTheirEnd) {
  EXPECT_EQ(ShortText("short", 5), "short");
  EXPECT_EQ(ShortText("longer", 5), "...er");
  EXPECT_EQ(ShortText("/block/head/Conv", 8), ".../Conv");
  EXPECT_EQ(ShortText("", 5), "");
  EXPECT_EQ(CountColumns(ShortText("日本語日本語日本語", 9)), 9U)
      << "wide letters take two columns";
}

TEST(JsonTextTest, NamesCannotEndALineOrWriteToTheTerminal) {
  for (const char* name : {"a\nb", "a\x1b[31m", "a\xff\xfe", "a\x07"}) {
    EXPECT_THAT(Text(name), Not(HasSubstr("\n"))) << name;
    EXPECT_THAT(Text(name), Not(HasSubstr("\x1b"))) << name;
    EXPECT_NO_THROW(Json(Text(name)).dump()) << "it is UTF-8";
  }
  EXPECT_EQ(TextsJson({}).dump(), "[]");
  EXPECT_EQ(TextsJson({"a", "b\"c"}).dump(), R"(["a","b\"c"])");
}

TEST(JsonTextTest, RowsAreBrokenAtWordsAndLongWordsCut) {
  EXPECT_EQ(FittedRow("  one row"), "  one row\n");
  const std::string word(2 * kTerminalColumns, 'w');
  std::istringstream lines(FittedRow("  start " + word + " end"));
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(CountColumns(line), kTerminalColumns) << line;
  EXPECT_THAT(FittedRow(word), HasSubstr("w...\n"));
}

TEST(JsonTextTest, WhatIsNoNumberIsNull) {
  EXPECT_EQ(Number(std::nullopt).dump(), "null");
  EXPECT_EQ(Number(std::nan("")).dump(), "null");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Number(-0.5).dump(), "-0.5");
}

TEST(JsonTextTest, TheGateHasItsCosineOnlyWhereItIsAsked) {
  const Gate gate;
  EXPECT_EQ(GateJson(gate)["min_sqnr_db"], 17);
  EXPECT_EQ(GateJson(gate)["min_sample_sqnr_db"], 10);
  EXPECT_EQ(GateJson(gate)["min_group_sqnr_db"], 14);
  EXPECT_EQ(GateJson(gate)["max_flips"], 0.01);
  EXPECT_TRUE(GateJson(gate)["min_cosine"].is_null());
  EXPECT_EQ(GateJson(Gate::AtCosine(0.5))["min_cosine"], 0.5);
}

TEST(JsonTextTest, AnOutputHasWhatWasMeasuredOfIt) {
  OutputComparison output;
  output.value.name = "y\n";
  const OutputVerdict verdict{"y", OutputVerdict::Result::kNotJudged, 0, "is not judged"};
  Json json = OutputJson(output, verdict, {});
  EXPECT_EQ(json["name"], Text("y\n"));
  EXPECT_EQ(json["result"], "not judged");
  EXPECT_EQ(json["verdict"], "is not judged");
  EXPECT_TRUE(json["cosine"].is_null()) << "nothing was compared";
  EXPECT_EQ(json["values"], 0);
  for (const char* key : {"worst_sample", "decisions", "equal", "stands_for"})
    EXPECT_FALSE(json.contains(key)) << key;
  output.value.stands_for = {"scores"};
  output.decisions = {.decided = 8, .flips = 2};
  output.elements = 4;
  output.equal = 3;
  json = OutputJson(output, {.name = "y", .result = OutputVerdict::Result::kFailed}, {"0.npy"});
  EXPECT_EQ(json["result"], "failed");
  EXPECT_EQ(json["stands_for"].dump(), R"(["scores"])");
  EXPECT_EQ(json["decisions"]["flips"], 2);
  EXPECT_EQ(json["equal"], 0.75);
}

TEST(JsonTextTest, TheFirstLineOfVerdictsHasTheLabel) {
  Verdict verdict;
  EXPECT_EQ(FormatVerdict(verdict), "");
  verdict.outputs = {{.name = "a", .text = "passes"}, {.name = "b", .text = "fails"}};
  EXPECT_EQ(FormatVerdict(verdict), "  judged   a passes\n           b fails\n");
}

TEST(FilesLineTest, NothingWrittenIsNoLine) {
  EXPECT_EQ(FilesLine({}), "");
  EXPECT_EQ(FilesLine({"a.onnx", "b c.json"}), "  wrote    a.onnx, b c.json\n");
  EXPECT_THAT(FilesLine({"a\nb"}), Not(HasSubstr("a\nb")));
}

TEST(FloatReasonsTest, ARowForEachReasonAndTheRestCounted) {
  EXPECT_EQ(FormatFloatReasons({}), "");
  EXPECT_EQ(FormatFloatReasons({{{"Erf", "no kernel"}, {"a", "b"}}}),
            "              2 x Erf                no kernel\n");
  FloatReasons many;
  for (int k = 0; k < 13; ++k) many[{"Op" + std::to_string(k), "why"}] = {"n"};
  EXPECT_THAT(FormatFloatReasons(many), HasSubstr("... 1 more reason, see the JSON\n"));
  many[{"Z", "why"}] = {"n"};
  const std::string text = FormatFloatReasons(many);
  EXPECT_THAT(text, HasSubstr("... 2 more reasons, see the JSON\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 13);
  EXPECT_THAT(text, Not(HasSubstr("Z"))) << "in the order of operators";
}

TEST(FloatReasonsTest, LongOperatorsPushTheColumnOfAllRows) {
  const std::string text =
      FormatFloatReasons({{{"com.microsoft.NhwcFusedConv", "w1"}, {"a"}}, {{"Erf", "w2"}, {"b"}}});
  const size_t first = text.find("w1");
  const size_t second = text.find("w2");
  const size_t line = text.find('\n') + 1;
  EXPECT_TRUE(first == second - line || second == first - line) << text;
}

TEST(FloatReasonsTest, TheJsonNamesEveryNode) {
  const Json json = FloatReasonsJson({{{"Erf", "no kernel"}, {"/a", "b\xff"}}});
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["op_type"], "Erf");
  EXPECT_EQ(json[0]["reason"], "no kernel");
  EXPECT_EQ(json[0]["nodes"].size(), 2U);
  EXPECT_NO_THROW(json.dump());
  EXPECT_EQ(FloatReasonsJson({}).dump(), "[]");
}

TEST(GuiltyTextTest, OptionsCanBePastedIntoAShell) {
  EXPECT_EQ(KeepFloatOption("/head/Conv"), "--keep-float '/head/Conv'");
  EXPECT_EQ(KeepFloatOption("it's"), "--keep-float 'it'\\''s'");
}

TEST(GuiltyTextTest, RowsWithoutANameAreCalledByTheirOperator) {
  LayerRow row;
  row.op_type = "Conv";
  EXPECT_EQ(TitleOf(row), "Conv");
  row.name = "stem";
  EXPECT_EQ(TitleOf(row), "stem");
}

TEST(GuiltyTextTest, DecibelsOfNoise) {
  EXPECT_EQ(Decibels(std::nullopt), "-");
  EXPECT_EQ(Decibels(1.0), "0.0");
  EXPECT_EQ(Decibels(1e-3), "30.0");
  EXPECT_EQ(Decibels(10.0), "-10.0");
}

TEST(GuiltyTextTest, SaysHowFewSufficeOrWhyNoneDo) {
  GuiltyNodes guilty{.target = 1e-3, .before = 1e-2, .after = 1e-4, .any_fewer = 5e-3};
  guilty.measurements = 7;
  EXPECT_EQ(GuiltyText(guilty),
            "no set of nodes left float gives 30.0 dB; the best of 7 that were measured: 40.0 dB");
  guilty.reached = true;
  EXPECT_EQ(GuiltyText(guilty), "the model has 20.0 dB as it is");
  guilty.rows = {4};
  EXPECT_EQ(GuiltyText(guilty),
            "keep this node float: 20.0 -> 40.0 dB; fewer may do, the budget was used up");
  guilty.is_minimal = true;
  EXPECT_EQ(GuiltyText(guilty), "keep this node float: 20.0 -> 40.0 dB");
  guilty.rows = {4, 1, 2};
  EXPECT_EQ(GuiltyText(guilty),
            "keep these 3 nodes float: 20.0 -> 40.0 dB; any 2 of them: at most 23.0 dB");
}

LayerRow Without(const std::string& origin, std::optional<double> noise) {
  LayerRow row;
  row.origin = origin;
  row.errors.without = noise;
  return row;
}

TEST(SuggestionsTest, GainsOfHalfADecibelTheGreatestFirst) {
  LayerReport report;
  report.errors.whole = 1e-2;
  report.layers = {Without("little", 0.95e-2),  // .2 dB
                   Without("some", 0.5e-2),    Without("", 1e-4),      Without("most", 1e-3),
                   Without("unmeasured", {}),  Without("same", 0.5e-2)};
  std::vector<size_t> rows;
  for (const Suggestion& one : SuggestionsOf(report)) rows.push_back(one.layer);
  EXPECT_THAT(rows, ElementsAre(3, 1, 5)) << "equal ones in their order, none without a name";
  EXPECT_NEAR(SuggestionsOf(report)[0].gain_db, 10, 1e-9);
  EXPECT_NEAR(SuggestionsOf(report)[1].gain_db, 3.01, 0.01);
  report.layers.clear();
  EXPECT_THAT(SuggestionsOf(report), IsEmpty());
}

TEST(AdviceTest, TakesThePlaceOfTheGeneralOneAndOfNothingElse) {
  Verdict verdict;
  verdict.outputs = {{.name = "a", .text = "fails: 3 dB; " + std::string(kAdvice)},
                     {.name = "b", .text = "passes"}};
  SetAdvice(AdviceOf(false, ""), verdict);
  EXPECT_EQ(verdict.outputs[0].text,
            "fails: 3 dB; try floats for the nodes that qconvert debug names or a lower "
            "--min-sqnr");
  EXPECT_EQ(verdict.outputs[1].text, "passes");
}

TEST(TableReportTest, NamesAreTextAndWarningsAList) {
  const Json json = Json::parse(TableVerdictJson("t\n.json", 12, 3, {"one", "two\x1b"}));
  EXPECT_EQ(json["exit"], "success");
  EXPECT_EQ(json["output"], Text("t\n.json"));
  EXPECT_EQ(json["samples"], 12);
  EXPECT_EQ(json["values"], 3);
  ASSERT_EQ(json["warnings"].size(), 2U);
  EXPECT_EQ(json["warnings"][0], "one");
  EXPECT_EQ(json["warnings"][1], Text("two\x1b"));
}

TEST(VerificationTest, SaysWhatItWasMadeFromAndCountsWhatIsNotShown) {
  Verification verification{.out = "q.onnx", .model = "m.onnx", .bytes = 77};
  EXPECT_EQ(FormatVerification(verification, 2),
            "q.onnx: equal\n  every byte follows again from quant_info and m.onnx\n"
            "  77 bytes compared\n");
  verification.from_the_start = true;
  EXPECT_THAT(FormatVerification(verification, 2),
              HasSubstr("every scale and byte follows again from m.onnx\n"));
  verification.differences = {{"tensor w", "element 3 is 7", "5"}, {"tensor u", "unknown", ""}};
  EXPECT_EQ(FormatVerification(verification, 1),
            "q.onnx: not what m.onnx gives, 2 differences\n"
            "  tensor w: element 3 is 7, expected 5\n  and 1 more\n");
  EXPECT_THAT(FormatVerification(verification, 2), HasSubstr("  tensor u: unknown\n"));
  const Json json = Json::parse(VerificationJson(verification, "numeric"));
  EXPECT_EQ(json["exit"], "numeric");
  EXPECT_EQ(json["from_the_start"], true);
  EXPECT_EQ(json["equal"], false);
  EXPECT_EQ(json["differences"][1]["where"], "tensor u");
}

}  // namespace
}  // namespace qconvert

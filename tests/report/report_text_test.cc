// Names and numbers as reports write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <limits>

#include "float_reasons.h"
#include "guilty_text.h"
#include "json_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/utf8.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ReportTextTest, SizesHaveFourDigitsAndAUnit) {
  EXPECT_EQ(Size(0), "0 B");
  EXPECT_EQ(Size(9999), "9999 B");
  EXPECT_EQ(Size(10'000), "10.0 kB");
  EXPECT_EQ(Size(9'999'949), "9999.9 kB");
  EXPECT_EQ(Size(10'000'000), "10.0 MB");
}

TEST(ReportTextTest, OneIsNotMany) {
  EXPECT_EQ(Counted(0, "sample"), "0 samples");
  EXPECT_EQ(Counted(1, "sample"), "1 sample");
  EXPECT_EQ(Counted(2, "more reason"), "2 more reasons");
}

TEST(ReportTextTest, OneCorrectionIsOfOneThing) {
  ConversionReport report;
  report.corrections = {{.name = "clipping", .of = "values", .layers = 1},
                        {.name = "biases", .of = "nodes", .layers = 2, .remark = "1 <b> cannot"}};
  const std::string text = FormatReport(report);
  EXPECT_THAT(text, HasSubstr("clipping of 1 value corrected"));
  EXPECT_THAT(text, HasSubstr("biases   of 2 nodes corrected, not measured; 1 <b> cannot\n"));
  const std::string json = ReportJson(report, "success");
  EXPECT_THAT(json, HasSubstr("\"remark\": \"1 <b> cannot\""));
  EXPECT_THAT(json, HasSubstr("\"of\": \"values\""));
}

TEST(ReportTextTest, RowsAreBrokenAndWordsCut) {
  EXPECT_EQ(FittedRow("  a  b"), "  a  b\n");
  const std::string words =
      FittedRow("  name  " + std::string(40, 'x') + " " + std::string(40, 'y'));
  EXPECT_EQ(words, "  name  " + std::string(40, 'x') + "\n        " + std::string(40, 'y') + "\n");
  const std::string one = FittedRow("  " + std::string(100, 'z'));
  EXPECT_EQ(one.size(), 81U);
  EXPECT_THAT(one, EndsWith("...\n"));
  // Characters count, not their bytes, and stay whole.
  std::string letters;
  for (int k = 0; k < 100; ++k) letters += "\u20ac";
  EXPECT_EQ(FittedRow(" " + letters), " " + letters.substr(0, 3 * 76) + "...\n");
  EXPECT_EQ(FittedRow(letters.substr(0, 3 * 80)), letters.substr(0, 3 * 80) + "\n");
}

TEST(ReportTextTest, FilesAreOneLine) {
  EXPECT_EQ(FilesLine({}), "");
  EXPECT_EQ(FilesLine({"a.onnx", "b\n.json"}), "  wrote    a.onnx, b\\x0a.json\n");
}

// The end of a name tells more than its beginning; letters of several bytes stay whole.
TEST(ReportTextTest, LongNamesKeepTheirEnd) {
  EXPECT_EQ(ShortText("short", 5), "short");
  EXPECT_EQ(ShortText("/model/layer/conv", 10), "...er/conv");
  std::string name;
  for (int k = 0; k < 20; ++k) name += "\u00e9";
  for (size_t width = 4; width < 40; ++width) {
    const std::string shown = ShortText(name, width);
    EXPECT_EQ(FindInvalidUtf8(shown), std::string::npos) << width;
    EXPECT_EQ(CountColumns(shown), std::min<size_t>(width, 20)) << width;
    if (width < 20) {
      EXPECT_THAT(shown, StartsWith("..."));
    }
  }
}

TEST(ReportTextTest, WideLettersFitTheirColumn) {
  std::string name;
  for (int k = 0; k < 20; ++k) name += "\u5c42";
  for (size_t width = 5; width < 40; ++width) {
    const size_t columns = CountColumns(ShortText(name, width));
    EXPECT_LE(columns, width);
    EXPECT_GE(columns, width - 1) << "a letter of two columns more does not fit";
  }
}

// JSON has no number for these, and no text but UTF-8.
TEST(ReportTextTest, JsonHoldsWhatJsonCan) {
  EXPECT_EQ(Number(1.5).dump(), "1.5");
  EXPECT_EQ(Number(std::nullopt).dump(), "null");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Number(std::numeric_limits<double>::quiet_NaN()).dump(), "null");
  EXPECT_EQ(TextsJson({"a\xff", "\"b\""}).dump(), "[\"a\\\\xff\",\"\\\"b\\\"\"]");
}

TEST(FloatReasonsTest, TheFirstTwelveAreRowsAndAllAreJson) {
  FloatReasons reasons;
  for (int k = 10; k < 24; ++k)
    reasons[{"Op" + std::to_string(k), "because"}] = std::vector<std::string>(2, "n");
  const std::string text = FormatFloatReasons(reasons);
  EXPECT_THAT(text, HasSubstr("   2 x Op21               because\n"));
  EXPECT_THAT(text, EndsWith("... 2 more reasons, see the JSON\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 13);
  EXPECT_EQ(FloatReasonsJson(reasons).size(), 14U);
  reasons.erase(reasons.begin());
  EXPECT_THAT(FormatFloatReasons(reasons), EndsWith("... 1 more reason, see the JSON\n"));
  EXPECT_EQ(FormatFloatReasons({}), "");
}

TEST(FloatReasonsTest, TheColumnIsAsWideAsTheLongestOperator) {
  const std::string text =
      FormatFloatReasons({{{"A", "x"}, {"n"}}, {{"com.example:LongOperator", "y"}, {"n"}}});
  EXPECT_THAT(text, HasSubstr("x A                        x\n"));
  EXPECT_THAT(text, HasSubstr("x com.example:LongOperator y\n"));
}

// What a shell hands on for the option, without its own word.
std::string Pasted(const std::string& option) {
  constexpr std::string_view kName = "--keep-float ";
  EXPECT_THAT(option, StartsWith(std::string(kName)));
  const std::string command = "printf %s " + option.substr(kName.size());
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  const size_t got = fread(buffer.data(), 1, buffer.size(), pipe);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return std::string(buffer.data(), got);
}

// A model may call its nodes anything: pasted, the option finds that node and no other.
TEST(KeepFloatOptionTest, WhatIsPastedFindsTheNode) {
  for (const std::string& name :
       {std::string("/head/Conv"), std::string("it's"), std::string("$(touch x)`id`"),
        std::string("a b\"c\\d"), std::string("re:a"), std::string("-q"), std::string("a*b?c"),
        std::string("line\nbreak"), std::string("tab\there"), std::string("\xff\xfe"),
        std::string("a.b[0]+(c|d)^$"), std::string("'"), std::string("''\\''"),
        std::string("re:it's*\n")}) {
    const std::string pattern = Pasted(KeepFloatOption(name));
    ASSERT_EQ(FindPatternError(pattern), "") << name;
    const NamePattern found(pattern);
    EXPECT_TRUE(found.Matches(name)) << name << " by " << pattern;
    for (const std::string& other : {name + "x", "x" + name, std::string("aXbXc"), std::string()})
      EXPECT_FALSE(found.Matches(other)) << other << " by " << pattern;
  }
}

TEST(GuiltyTextTest, DecibelsThatNobodyMeasuredAreADash) {
  EXPECT_EQ(Decibels(std::nullopt), "-");
  EXPECT_EQ(Decibels(0.01), "20.0");
  EXPECT_EQ(TitleOf({.name = "", .op_type = "Conv"}), "Conv");
  EXPECT_EQ(TitleOf({.name = "c1", .op_type = "Conv"}), "c1");
}

}  // namespace
}  // namespace qconvert

#include "qconvert/base/wrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>

namespace qconvert {
namespace {

TEST(WrapTest, ShortLinesStayAsTheyAre) {
  EXPECT_EQ(WrapLine(""), "");
  EXPECT_EQ(WrapLine("  judged   scores passes"), "  judged   scores passes");
  EXPECT_EQ(WrapLine(std::string(80, 'a')), std::string(80, 'a'));
}

TEST(WrapTest, FurtherLinesStandUnderTheTextOfTheFirst) {
  EXPECT_EQ(WrapLine("  judged   scores passes: 42.3 dB over 12", 30),
            "  judged   scores passes: 42.3\n"
            "           dB over 12");
  EXPECT_EQ(WrapLine("--one N   what it takes and does", 24),
            "--one N   what it takes\n"
            "          and does");
}

TEST(WrapTest, ParagraphsAreFilledToTheLastColumn) {
  EXPECT_EQ(WrapLine("aaa bbb ccc", 7), "aaa bbb\nccc");
  EXPECT_EQ(WrapLine("aaa bbb ccc", 6), "aaa\nbbb\nccc");
  EXPECT_EQ(WrapLine("   aaa bbb ccc", 8), "   aaa\n   bbb\n   ccc");
}

TEST(WrapTest, ColumnsBeyondTheMiddleAreNoPlaceToStandUnder) {
  EXPECT_EQ(WrapLine("  a name that is long  and its text", 24),
            "  a name that is long\n  and its text");
}

TEST(WrapTest, LongWordsStayWhole) {
  EXPECT_EQ(WrapLine("  name  /head/a/very/long/name ends", 12),
            "  name\n"
            "  /head/a/very/long/name\n"
            "  ends");
  EXPECT_EQ(WrapLine(std::string(100, 'a')), std::string(100, 'a'));
}

TEST(WrapTest, CodePointsCountOnce) {
  EXPECT_EQ(WrapLine("äää bbb", 7), "äää bbb");
  EXPECT_EQ(WrapLine("äää bbb ccc", 7), "äää bbb\nccc");
}

TEST(WrapTest, WhatIsPastedIsNotBroken) {
  const std::string command = "  qconvert model.onnx --calib samples/ -o out.onnx";
  EXPECT_EQ(WrapLine(command, 20), command);
  const std::string option = "    --keep-float '/a name with spaces/Conv of it'";
  EXPECT_EQ(WrapLine(option, 20), option);
  const std::string row = "   +1.7 dB  --keep-float '/a name with spaces/Conv of it'";
  EXPECT_EQ(WrapLine(row, 40), row);
  EXPECT_EQ(WrapLine("  --aim DB  what it is", 14), "  --aim DB\n  what it is");
}

TEST(WrapTest, LinesAreWrappedOneByOne) {
  EXPECT_EQ(WrapLines("aaa bbb\n  c  ddd eee\n\n", false, 10), "aaa bbb\n  c  ddd\n     eee\n\n");
  EXPECT_EQ(WrapLines("aaa bbb ccc\n", false, 7), "aaa bbb ccc\n");
  EXPECT_EQ(WrapLines("aaa bbb ccc\n", true, 7), "aaa bbb\nccc\n");
  EXPECT_EQ(WrapLines("", true), "");
}

std::string Squeezed(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string out;
  for (const char c : text)
    if (c != ' ') out += c;
  return out;
}

// With gaps between columns of a table, or without.
std::string SomeText(std::mt19937& engine, bool has_gaps) {
  std::string text;
  const size_t words = engine() % 12;
  for (size_t w = 0; w < words; ++w) {
    text += std::string(has_gaps && engine() % 7 == 0 ? 2 + engine() % 3 : 1, ' ');
    text += std::string(1 + engine() % 9, static_cast<char>('a' + engine() % 26));
  }
  return text;
}

TEST(WrapTest, NoLetterIsLostAndOnlyWordsAreLongerThanALine) {
  std::mt19937 engine(5);
  size_t broken = 0;
  for (int k = 0; k < 2000; ++k) {
    const bool has_gaps = k % 2 == 0;
    const std::string text = SomeText(engine, has_gaps);
    const size_t columns = 4 + engine() % 40;
    const std::string wrapped = WrapLine(text, columns);
    ASSERT_EQ(Squeezed(wrapped), Squeezed(text)) << columns;
    std::istringstream lines(wrapped);
    for (std::string line; std::getline(lines, line);) {
      // What stands behind a gap has no other line with more room.
      if (has_gaps || line.size() <= columns) continue;
      const size_t first = line.find_first_not_of(' ');
      ASSERT_EQ(line.find(' ', first), line.npos) << "'" << text << "' in " << columns;
    }
    if (wrapped.find('\n') != wrapped.npos) ++broken;
    ASSERT_EQ(wrapped == text, wrapped.find('\n') == wrapped.npos) << text;
    if (text.size() <= columns) {
      ASSERT_EQ(wrapped, text);
    }
  }
  EXPECT_GT(broken, 500U);
}

TEST(WrapTest, NoLineEndsWithASpace) {
  std::mt19937 engine(6);
  for (int k = 0; k < 500; ++k) {
    const std::string wrapped = WrapLine(SomeText(engine, true), 20);
    EXPECT_EQ(wrapped.find(" \n"), wrapped.npos) << wrapped;
  }
}

}  // namespace
}  // namespace qconvert

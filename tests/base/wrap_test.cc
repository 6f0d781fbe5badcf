#include "qconvert/base/wrap.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace qconvert

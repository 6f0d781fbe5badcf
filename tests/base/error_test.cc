#include "qconvert/base/error.h"

#include <gtest/gtest.h>

#include <array>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

TEST(ErrorTest, JoinsPlaceAndMessage) {
  const Error error(ExitCode::kModel, "model.onnx", "has no graph");
  EXPECT_STREQ(error.what(), "model.onnx: has no graph");
  EXPECT_EQ(error.code(), ExitCode::kModel);
  EXPECT_STREQ(Error(ExitCode::kUsage, "", "no model given").what(), "no model given");
}

TEST(ErrorTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(EscapeForTerminal("a\x1b[31m\n\t"), "a\\x1b[31m\\x0a\\x09");
  EXPECT_EQ(EscapeForTerminal("größe 模型"), "größe 模型");
  EXPECT_EQ(EscapeForTerminal("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(EscapeForTerminal("\xc2\x9b"), "\\xc2\\x9b") << "a C1 control is a control";
  EXPECT_EQ(EscapeForTerminal("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate is no character";
}

TEST(ErrorTest, ShortensLongTexts) {
  const std::string text = EscapeForTerminal(std::string(65536, 'x'));
  EXPECT_EQ(text.size(), 279U);
  EXPECT_NE(text.find("..."), std::string::npos);
}

TEST(ErrorTest, OneLineHasAtMost600BytesWhateverIsInIt) {
  for (const std::string piece : {"x", "\n", "\xff", "\u6a21", "\xf0\x9f\x98\x80"}) {
    std::string text;
    for (int i = 0; i < 30000; ++i) text += piece;
    const std::string what = Error(ExitCode::kModel, text, text).what();
    EXPECT_LE(what.size(), 582U) << piece;
    EXPECT_EQ(what.find('\n'), std::string::npos);
    EXPECT_EQ(EscapeForTerminal(EscapeForTerminal(piece + text)), EscapeForTerminal(piece + text))
        << "no character is cut in two";
  }
  EXPECT_EQ(EscapeForTerminal(std::string(276, 'x')), std::string(276, 'x')) << "nothing to cut";
}

TEST(ErrorTest, ExitCodesAreStable) {
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kConfig), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kModel), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::kData), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::kFile), 6);
  EXPECT_EQ(static_cast<int>(ExitCode::kResource), 7);
  EXPECT_EQ(static_cast<int>(ExitCode::kNumeric), 8);
  EXPECT_EQ(static_cast<int>(ExitCode::kInternal), 70);
  EXPECT_EQ(ExitCodeName(ExitCode::kData), "data");
}

TEST(CheckedTest, ElementCount) {
  EXPECT_EQ(ElementCount(std::array<int64_t, 3>{2, 3, 4}), 24);
  EXPECT_EQ(ElementCount(std::array<int64_t, 0>{}), 1);
  EXPECT_EQ(ElementCount(std::array<int64_t, 2>{0, 5}), 0);
  EXPECT_FALSE(ElementCount(std::array<int64_t, 2>{-1, 5}));
  EXPECT_FALSE(ElementCount(std::array<int64_t, 2>{-2, -2})) << "two negatives are no positive";
  EXPECT_FALSE(ElementCount(std::array<int64_t, 3>{INT64_C(1) << 32, INT64_C(1) << 32, 1}));
  EXPECT_FALSE(ElementCount(std::array<int64_t, 3>{INT64_C(1) << 32, INT64_C(1) << 32, 0}))
      << "a zero hides no overflow";
}

TEST(ErrorTest, WholeTextsStayApart) {
  const std::string common(400, 'a');
  EXPECT_EQ(EscapeForTerminal(common + "x" + common), EscapeForTerminal(common + "y" + common));
  EXPECT_EQ(EscapeWhole(common + "x" + common), common + "x" + common);
  EXPECT_EQ(EscapeWhole("a\n\xff"), "a\\x0a\\xff");
}

}  // namespace
}  // namespace qconvert

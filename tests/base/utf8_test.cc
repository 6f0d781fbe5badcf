#include "qconvert/base/utf8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace qconvert {
namespace {

// The encoding of RFC 3629, section 3, written down a second time.
std::string Encode(uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8Test, EveryCodePoint) {
  for (uint32_t code = 0; code < 0x120000; ++code) {
    const std::string text = Encode(code);
    const bool valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    ASSERT_EQ(Utf8Length(text, 0), valid ? text.size() : 0U) << std::hex << code;
  }
}

TEST(Utf8Test, EveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const bool two = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
      ASSERT_EQ(Utf8Length(text, 0), first < 0x80 ? 1U : two ? 2U : 0U) << first << ' ' << second;
    }
  }
}

TEST(Utf8Test, OverlongFormsAreInvalid) {
  for (const char* text : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF",
                           "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF"}) {
    EXPECT_EQ(Utf8Length(text, 0), 0U) << text;
  }
}

TEST(Utf8Test, ATruncatedSequenceIsInvalid) {
  for (const uint32_t code : {0xE4U, 0x20ACU, 0x1F600U}) {
    std::string text = Encode(code);
    text.pop_back();
    EXPECT_EQ(Utf8Length(text, 0), 0U) << std::hex << code;
  }
}

TEST(Utf8Test, FindsTheFirstInvalidByte) {
  EXPECT_EQ(FindInvalidUtf8(""), std::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("plain"), std::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
            std::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("\xC3\xBC\xFFz"), 2U);
  EXPECT_EQ(FindInvalidUtf8("ab\xE2\x82"), 2U);
  EXPECT_EQ(FindInvalidUtf8("a\x80"), 1U) << "a continuation without a beginning";
}

TEST(Utf8Test, ColumnsAreCountedAndCut) {
  // One, one, one, two (a face), one.
  const std::string text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80z";
  EXPECT_EQ(CountColumns(text), 6U);
  EXPECT_EQ(CountColumns(""), 0U);
  const std::vector<size_t> ends = {0, 1, 3, 6, 6, 10, text.size(), text.size()};
  for (size_t n = 0; n < ends.size(); ++n) EXPECT_EQ(FirstColumns(text, n).size(), ends[n]) << n;
  const std::vector<size_t> begins = {11, 10, 10, 6, 3, 1, 0, 0};
  for (size_t n = 0; n < begins.size(); ++n)
    EXPECT_EQ(LastColumns(text, n).size(), text.size() - begins[n]) << n;
  EXPECT_EQ(FirstColumns("", 3), "");
  EXPECT_EQ(LastColumns("", 3), "");
}

TEST(Utf8Test, WideLettersTakeTwoColumns) {
  EXPECT_EQ(CountColumns("\u8f93\u51fa"), 4U) << "Chinese";
  EXPECT_EQ(CountColumns("\uac00"), 2U) << "Korean";
  EXPECT_EQ(CountColumns("\uff21\u30a2\uff71"), 5U) << "full and half width";
  EXPECT_EQ(CountColumns("\u00e9\u0416\u05d0"), 3U) << "Latin, Cyrillic, Hebrew";
}

// Valid sequences of one to four bytes, and bytes that belong to none.
std::string SomeBytes(uint32_t seed) {
  std::mt19937 engine(seed);
  std::string text;
  const size_t pieces = engine() % 8;
  for (size_t k = 0; k < pieces; ++k) {
    const std::vector<std::string> choices = {Encode(engine() % 0x80),
                                              Encode(0xE4),
                                              Encode(0x8F93),
                                              Encode(0x1F600),
                                              {static_cast<char>(engine() % 256)}};
    text += choices[engine() % choices.size()];
  }
  return text;
}

TEST(Utf8Test, TheFirstInvalidByteIsTheEndOfWhatIsValid) {
  size_t invalid = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const std::string text = SomeBytes(seed);
    size_t end = 0;
    while (end < text.size() && Utf8Length(text, end) > 0) end += Utf8Length(text, end);
    ASSERT_EQ(FindInvalidUtf8(text), end == text.size() ? std::string_view::npos : end) << seed;
    invalid += end < text.size() ? 1 : 0;
  }
  EXPECT_GT(invalid, 300U);
}

TEST(Utf8Test, BeginningsAndEndsFitAndAreNoLongerThanTheyHaveTo) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const std::string text = SomeBytes(seed);
    if (FindInvalidUtf8(text) != std::string_view::npos) continue;
    const size_t all = CountColumns(text);
    for (size_t columns = 0; columns <= all + 1; ++columns) {
      const std::string_view first = FirstColumns(text, columns);
      const std::string_view last = LastColumns(text, columns);
      ASSERT_TRUE(text.starts_with(first) && text.ends_with(last)) << seed;
      for (const std::string_view part : {first, last}) {
        ASSERT_EQ(FindInvalidUtf8(part), std::string_view::npos) << seed << " cut in two";
        ASSERT_LE(CountColumns(part), columns);
        // One column may be left over in front of a wide letter.
        ASSERT_GE(CountColumns(part) + 1, std::min(columns, all));
      }
    }
    ASSERT_EQ(FirstColumns(text, all), text);
    ASSERT_EQ(LastColumns(text, all), text);
  }
}

}  // namespace
}  // namespace qconvert

#include "qconvert/base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace qconvert {
namespace {

struct CodePoints {
  uint32_t first;
  uint32_t last;
};

// Those of two columns. Source: Unicode, EastAsianWidth.txt, W and F, in the ranges of fmt.
constexpr CodePoints kWide[] = {
    {0x1100, 0x115F},   {0x2329, 0x232A},   {0x2E80, 0x303E},   {0x3040, 0xA4CF},  {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD}};

// Bytes of what begins at text[i]: a byte of no valid sequence stands alone.
size_t Step(std::string_view text, size_t i) { return std::max<size_t>(Utf8Length(text, i), 1); }

size_t ColumnsAt(std::string_view text, size_t i) {
  const size_t length = Utf8Length(text, i);
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  if (length == 0) return (byte(i) & 0xC0U) == 0x80U ? 0 : 1;
  // Of the first byte the bits behind those that tell the length.
  uint32_t point = length == 1 ? byte(i) : byte(i) & (0x7FU >> length);
  for (size_t k = 1; k < length; ++k) point = point << 6U | (byte(i + k) & 0x3FU);
  const bool is_wide = std::any_of(
      std::begin(kWide), std::end(kWide),
      [&](const CodePoints& range) { return point >= range.first && point <= range.last; });
  return is_wide ? 2 : 1;
}

}  // namespace

size_t Utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  size_t length = 0;
  // 0xC0 and 0xC1 could only begin overlong forms, 0xF5 and above lie past U+10FFFF.
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || i + length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  // What else is wrong shows in the second byte.
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_large = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

size_t FindInvalidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

size_t CountColumns(std::string_view text) {
  size_t columns = 0;
  for (size_t i = 0; i < text.size(); i += Step(text, i)) columns += ColumnsAt(text, i);
  return columns;
}

std::string_view FirstColumns(std::string_view text, size_t columns) {
  size_t end = 0;
  for (size_t taken = 0; end < text.size(); end += Step(text, end)) {
    taken += ColumnsAt(text, end);
    if (taken > columns) break;
  }
  return text.substr(0, end);
}

std::string_view LastColumns(std::string_view text, size_t columns) {
  size_t begin = 0;
  for (size_t left = CountColumns(text); left > columns; begin += Step(text, begin))
    left -= ColumnsAt(text, begin);
  return text.substr(begin);
}

}  // namespace qconvert

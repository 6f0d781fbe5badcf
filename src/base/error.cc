#include "qconvert/base/error.h"

#include <array>
#include <cstddef>

namespace qconvert {
namespace {

constexpr size_t kMaxText = 300;

// Length of the valid UTF-8 sequence at text[i], or 0.
size_t Utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  size_t length = 0;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || i + length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_large = first == 0xF4 && second >= 0x90;
  const bool c1_control = first == 0xC2 && second < 0xA0;
  return overlong || surrogate || too_large || c1_control ? 0 : length;
}

}  // namespace

std::string_view ExitCodeName(ExitCode code) {
  switch (code) {
    case ExitCode::kSuccess:
      return "success";
    case ExitCode::kUsage:
      return "usage";
    case ExitCode::kConfig:
      return "config";
    case ExitCode::kModel:
      return "model";
    case ExitCode::kData:
      return "data";
    case ExitCode::kFile:
      return "file";
    case ExitCode::kResource:
      return "resource";
    case ExitCode::kNumeric:
      return "numeric";
    case ExitCode::kInternal:
      return "internal";
  }
  return "internal";
}

std::string EscapeForTerminal(std::string_view text) {
  static constexpr std::array<char, 16> kHex = {'0', '1', '2', '3', '4', '5', '6', '7',
                                                '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  std::string shortened;
  if (text.size() > kMaxText) {
    shortened.append(text.substr(0, kMaxText / 2)).append("...");
    shortened.append(text.substr(text.size() - kMaxText / 2));
    text = shortened;
  }
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const size_t length = c >= 0x20 && c < 0x7F ? 1 : Utf8Length(text, i);
    if (length > 0) {
      out.append(text.substr(i, length));
      i += length;
    } else {
      out.append("\\x").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
      ++i;
    }
  }
  return out;
}

Error::Error(ExitCode code, std::string_view place, std::string_view message)
    : std::runtime_error(place.empty()
                             ? EscapeForTerminal(message)
                             : EscapeForTerminal(place) + ": " + EscapeForTerminal(message)),
      code_(code) {}

}  // namespace qconvert

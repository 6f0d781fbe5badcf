#include "qconvert/base/error.h"

#include <array>
#include <cstddef>

#include "qconvert/base/utf8.h"

namespace qconvert {
namespace {

constexpr size_t kMaxText = 300;

// Bytes of the character at text[i] that a terminal shows as it is, else 0.
size_t PrintableLength(std::string_view text, size_t i) {
  const unsigned char c = static_cast<unsigned char>(text[i]);
  if (c < 0x20 || c == 0x7F) return 0;
  const bool c1_control =
      c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
  return c1_control ? 0 : Utf8Length(text, i);
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
    const size_t length = PrintableLength(text, i);
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

#include "qconvert/base/error.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

#include "qconvert/base/utf8.h"

namespace qconvert {
namespace {

constexpr size_t kMaxText = 280;  // bytes
constexpr size_t kMaxMessage = 400;
constexpr size_t kMaxError = 582;  // with what the log puts in front less than 600
constexpr std::string_view kGap = "...";

// Bytes of the character at text[i] that a terminal shows as it is, else 0.
size_t PrintableLength(std::string_view text, size_t i) {
  const unsigned char c = static_cast<unsigned char>(text[i]);
  if (c < 0x20 || c == 0x7F) return 0;
  // U+0080 to U+009F: valid UTF-8 that moves a terminal's cursor all the same.
  const bool c1_control =
      c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
  return c1_control ? 0 : Utf8Length(text, i);
}

// The character at text[i], or what stands for its byte; moves i on.
std::string PrintablePiece(std::string_view text, size_t& i) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const size_t length = PrintableLength(text, i);
  const size_t start = i;
  i += std::max<size_t>(length, 1);
  if (length > 0) return std::string(text.substr(start, length));
  const auto byte = static_cast<unsigned char>(text[start]);
  return std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
}

// At most `limit` bytes.
// Both ends stay: of paths and names they tell more than the middle.
std::string Escape(std::string_view text, size_t limit) {
  const size_t half = (limit - kGap.size()) / 2;
  std::string out;
  std::deque<std::string> tail;  // the last pieces, once `out` holds its half
  size_t tail_bytes = 0;
  bool is_cut = false;
  for (size_t i = 0; i < text.size();) {
    std::string piece = PrintablePiece(text, i);
    // Once a piece went to the tail all later ones do: a short one must not overtake it.
    if (tail.empty() && out.size() + piece.size() <= half) {
      out += piece;
      continue;
    }
    tail_bytes += piece.size();
    tail.push_back(std::move(piece));
    for (; tail_bytes > half; is_cut = true) {
      tail_bytes -= tail.front().size();
      tail.pop_front();
    }
  }
  if (is_cut) out += kGap;
  for (const std::string& piece : tail) out += piece;
  return out;
}

// The place gets what the message leaves.
std::string JoinPlace(std::string_view place, const std::string& message) {
  if (place.empty()) return message;
  // No difference is below zero: a message has at most kMaxMessage bytes.
  return Escape(place, std::min(kMaxText, kMaxError - message.size() - 2)) + ": " + message;
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
  // No default above: the compiler names a code that is forgotten.
  return "internal";
}

std::string EscapeForTerminal(std::string_view text) { return Escape(text, kMaxText); }

std::string EscapeWhole(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) out += PrintablePiece(text, i);
  return out;
}

Error::Error(ExitCode code, std::string_view place, std::string_view message)
    : std::runtime_error(JoinPlace(place, Escape(message, kMaxMessage))), code_(code) {}

}  // namespace qconvert

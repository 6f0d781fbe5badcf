#include "engine_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

namespace qconvert {
namespace {

constexpr size_t kHalfName = 40;  // bytes of a node's name at each end of what is left out

bool Skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "/path/file.cc:123 " at the start.
bool SkipSource(std::string_view& text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view word = text.substr(0, space);
  const size_t colon = word.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == word.size()) return false;
  const std::string_view file = word.substr(0, colon);
  const bool is_source = file.ends_with(".cc") || file.ends_with(".h") || file.ends_with(".cpp");
  if (!is_source || word.find_first_not_of("0123456789", colon + 1) != std::string_view::npos)
    return false;
  text.remove_prefix(space + 1);
  return true;
}

bool HasOneOf(std::string_view text, std::initializer_list<std::string_view> signs) {
  return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) {
    return text.find(sign) != std::string_view::npos;
  });
}

// "[ONNXRuntimeError] : 1 : FAIL : " at the start, of a status within a status.
void SkipStatus(std::string_view& text) {
  static constexpr std::string_view kStatus = "[ONNXRuntimeError] : ";
  static constexpr std::string_view kSeparator = " : ";
  if (!text.starts_with(kStatus)) return;
  const size_t number = text.find(kSeparator, kStatus.size());
  if (number == std::string_view::npos) return;
  const size_t name = text.find(kSeparator, number + kSeparator.size());
  if (name != std::string_view::npos) text.remove_prefix(name + kSeparator.size());
}

// Index behind the bracket that closes the one at text[open]; npos when none does.
size_t CloseBracket(std::string_view text, size_t open) {
  size_t depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == text[open]) ++depth;
    const char close = text[open] == '(' ? ')' : ']';
    if (text[i] == close && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

// Index of the bracket that opens the parameters: not one in template arguments, nor in
// "operator()".
size_t FindParameters(std::string_view text) {
  size_t angles = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') ++angles;
    if (text[i] == '>' && angles > 0) --angles;
    if (text[i] != '(' || angles > 0) continue;
    if (!text.substr(i).starts_with("()(")) return i;
    return i + 2;
  }
  return std::string_view::npos;
}

// "void onnxruntime::Check(int) const [with T = int] " at the start.
void SkipSignature(std::string_view& text) {
  const size_t parameters = FindParameters(text);
  if (parameters == std::string_view::npos ||
      text.substr(0, parameters).find("onnxruntime::") == std::string_view::npos) {
    return;
  }
  const size_t end = CloseBracket(text, parameters);
  if (end == std::string_view::npos) return;
  std::string_view rest = text.substr(end);
  Skip(rest, " const");
  if (rest.starts_with(" [with ")) {
    const size_t close = CloseBracket(rest, 1);
    if (close == std::string_view::npos) return;
    rest.remove_prefix(close);
  }
  if (Skip(rest, " ")) text = rest;
}

std::string Shortened(std::string_view name) {
  if (name.size() <= 2 * kHalfName + 3) return std::string(name);
  return fmt::format("{}...{}", name.substr(0, kHalfName), name.substr(name.size() - kHalfName));
}

// "Non-zero status code returned while running T node. Name:'N' Status Message: " at the start, as
// "T node \"N\": ".
std::string TakeNode(std::string_view& text) {
  static constexpr std::string_view kType = "Non-zero status code returned while running ";
  static constexpr std::string_view kName = " node. Name:'";
  static constexpr std::string_view kEnd = "' Status Message: ";
  const size_t name = text.find(kName);
  const size_t end = text.find(kEnd);
  if (!text.starts_with(kType) || name == std::string_view::npos || end == std::string_view::npos ||
      end < name + kName.size()) {
    return "";
  }
  const std::string_view type = text.substr(kType.size(), name - kType.size());
  const std::string_view label = text.substr(name + kName.size(), end - name - kName.size());
  std::string node = fmt::format("{} node \"{}\": ", type, Shortened(label));
  text.remove_prefix(end + kEnd.size());
  return node;
}

// What stands in `text` between the words before and after it; empty when these are not there.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t start = text.find(before);
  if (start == std::string_view::npos) return "";
  text.remove_prefix(start + before.size());
  return text.substr(0, std::min(text.size(), text.find(after)));
}

// Empty unless the engine says that the opset is newer than it.
std::string TellNewOpset(std::string_view message) {
  const std::string_view found = Between(message, "onnx opset versions. Opset ", " is under");
  const std::string_view domain = Between(message, "official support for domain ", " is till");
  const std::string_view newest = Between(message, " is till opset ", ".");
  if (found.empty() || domain.empty() || newest.empty()) return "";
  return fmt::format("has opset {} of domain {}, expected at most {}", found, domain, newest);
}

}  // namespace

std::string CleanEngineMessage(std::string_view message) {
  // Only a node of a body says so again; its own node is named last.
  std::string nodes;
  for (;;) {
    const std::string node = TakeNode(message);
    if (node.empty()) break;
    nodes = node;
  }
  message = message.substr(0, message.find('\n'));
  if (std::string opset = TellNewOpset(message); !opset.empty()) return nodes + opset;
  static constexpr std::array<std::string_view, 2> kPrefixes = {"Load model from ",
                                                                "This is an invalid model. "};
  for (const std::string_view prefix : kPrefixes) Skip(message, prefix);
  // "Exception during initialization: /path/file.cc:12 void ...": what is in front says little.
  const size_t colon = message.find(": ");
  if (message.starts_with("Exception during ") && colon != std::string_view::npos)
    message.remove_prefix(colon + 2);
  // A status may hold another behind its place in the source, and that one a place of its own.
  for (size_t before = message.size() + 1; before != message.size();) {
    before = message.size();
    SkipStatus(message);
    if (SkipSource(message)) SkipSignature(message);
  }
  return nodes + std::string(message);
}

// The words of the C++ library, the engine's arena, the system and the dynamic linker.
bool IsOutOfMemory(std::string_view message) {
  return HasOneOf(message, {"std::bad_alloc", "Failed to allocate memory", "Cannot allocate memory",
                            "failed to map segment"});
}

bool NamesNode(std::string_view message) {
  // "node " and "Node ".
  for (const std::string_view words : {"ode ", "Node:", "Node,", "Node("})
    if (message.find(words) != std::string_view::npos) return true;
  return false;
}

int64_t RefusedBytes(std::string_view message) {
  // No digits leave 0, less than any machine has.
  const std::string_view digits = Between(message, "requested buffer of size ", " ");
  int64_t bytes = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
  return bytes;
}

// Every kernel that looks up rows has its own words for this.
bool IsIndexOutOfRange(std::string_view message) {
  return HasOneOf(message, {"indices element out of data bounds", "Out of range value in index",
                            "invalid index found", "invalid indice found"});
}

}  // namespace qconvert

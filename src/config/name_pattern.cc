#include "qconvert/config/name_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr std::string_view kRegexPrefix = "re:";
constexpr std::string_view kSearchPrefix = "search:";
constexpr std::string_view kAnyCharacter = "(?s)";  // . is any character, newlines too

// Where the group that begins at `from` ends, behind its parenthesis; npos where it does not.
size_t EndOfGroup(std::string_view text, size_t from) {
  int depth = 0;
  bool in_class = false;
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    // What is escaped neither opens nor closes anything.
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // A bracket that stands first, behind ^ too, is one of the class.
      if (text.substr(i + 1).starts_with('^')) ++i;
      if (text.substr(i + 1).starts_with(']')) ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

struct Look {
  std::string expression;
  bool is_wanted = true;
};

// An expression in the words of RE2, with the look-aheads that stand at its beginning apart.
struct Parts {
  std::string expression;
  std::vector<Look> looks;
};

Parts SplitSearch(std::string_view text) {
  Parts parts;
  // Elsewhere look-aheads reach RE2, which refuses them.
  if (text.starts_with("^(?!") || text.starts_with("^(?=")) {
    size_t at = 1;
    while (text.substr(at).starts_with("(?!") || text.substr(at).starts_with("(?=")) {
      const size_t end = EndOfGroup(text, at);
      if (end == std::string_view::npos) break;  // RE2 says what is wrong
      const std::string_view inner = text.substr(at + 3, end - at - 4);
      parts.looks.push_back({fmt::format("{}^(?:{})", kAnyCharacter, inner), text[at + 2] == '='});
      at = end;
    }
    // The rest begins where the look-aheads did: they take no characters.
    parts.expression = fmt::format("{}^(?:{})", kAnyCharacter, text.substr(at));
    return parts;
  }
  parts.expression = fmt::format("{}{}", kAnyCharacter, text);
  return parts;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Parts SplitPattern(const std::string& pattern) {
  if (pattern.starts_with(kSearchPrefix)) return SplitSearch(WrittenPattern(pattern));
  return {.expression = ExpressionOf(pattern)};
}

// Names are bytes: a model's need not be UTF-8.
re2::RE2::Options Quiet() {
  re2::RE2::Options options;
  // The library would write to stderr by itself.
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  return options;
}

}  // namespace

NamePattern::NamePattern(const std::string& pattern)
    : anywhere_(pattern.starts_with(kSearchPrefix)) {
  const Parts parts = SplitPattern(pattern);
  expression_ = std::make_unique<re2::RE2>(parts.expression, Quiet());
  QCONVERT_CHECK(expression_->ok());
  for (const auto& [expression, is_wanted] : parts.looks) {
    look_aheads_.push_back({std::make_unique<re2::RE2>(expression, Quiet()), is_wanted});
    QCONVERT_CHECK(look_aheads_.back().expression->ok());
  }
}
NamePattern::~NamePattern() = default;
NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;

bool NamePattern::Matches(std::string_view name) const {
  const re2::StringPiece text(name.data(), name.size());
  for (const auto& [expression, is_wanted] : look_aheads_)
    // Each begins with ^ by itself: a partial match is one at the beginning.
    if (re2::RE2::PartialMatch(text, *expression) != is_wanted) return false;
  return anywhere_ ? re2::RE2::PartialMatch(text, *expression_)
                   : re2::RE2::FullMatch(text, *expression_);
}

std::string ExpressionOf(const std::string& pattern) {
  if (pattern.starts_with(kRegexPrefix)) return pattern.substr(kRegexPrefix.size());
  // Byte by byte: in Latin-1 each is a character.
  std::string expression(kAnyCharacter);
  for (const char c : pattern) {
    if (c == '*') {
      expression += ".*";
    } else if (c == '?') {
      expression += '.';
    } else {
      expression += re2::RE2::QuoteMeta(re2::StringPiece(&c, 1));
    }
  }
  return expression;
}

std::string WrittenPattern(const std::string& pattern) {
  return pattern.starts_with(kSearchPrefix) ? pattern.substr(kSearchPrefix.size()) : pattern;
}

std::string PatternOfName(const std::string& name) {
  const bool is_plain = !name.starts_with(kRegexPrefix) && !name.starts_with(kSearchPrefix) &&
                        !name.starts_with('-') && name.find_first_of("*?") == std::string::npos &&
                        std::none_of(name.begin(), name.end(), IsControl);
  if (is_plain) return name;
  std::string pattern(kRegexPrefix);
  for (const char c : name) {
    if (IsControl(c)) {
      fmt::format_to(std::back_inserter(pattern), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      pattern += re2::RE2::QuoteMeta(re2::StringPiece(&c, 1));
    }
  }
  return pattern;
}

std::string FindPatternError(const std::string& pattern) {
  const Parts parts = SplitPattern(pattern);
  std::vector<std::string> all = {parts.expression};
  for (const Look& look : parts.looks) all.push_back(look.expression);
  for (const std::string& one : all) {
    const re2::RE2 expression(one, Quiet());
    if (expression.ok()) continue;
    return fmt::format("'{}' is no regular expression: {}", WrittenPattern(pattern),
                       expression.error());
  }
  return "";
}

}  // namespace qconvert

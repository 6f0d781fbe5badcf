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

// Calls `visit` with the index of each sign that groups or divides: ( ) and |, outside of classes
// and where nothing escapes them; ends where that is false.
template <typename Visit>
void ForEachSign(std::string_view text, size_t from, Visit&& visit) {
  bool in_class = false;
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // A bracket that stands first, behind ^ too, is one of the class.
      if (text.substr(i + 1).starts_with('^')) ++i;
      if (text.substr(i + 1).starts_with(']')) ++i;
    } else if ((c == '(' || c == ')' || c == '|') && !visit(i)) {
      return;
    }
  }
}

// Where the group that begins at `from` ends, behind its parenthesis; npos where it does not.
size_t EndOfGroup(std::string_view text, size_t from) {
  int depth = 0;
  size_t end = std::string_view::npos;
  ForEachSign(text, from, [&](size_t i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (text[i] == ')' && depth == 0) end = i + 1;
    return end == std::string_view::npos;
  });
  return end;
}

// Index of the first | that stands in no group; the size of the text without one.
size_t EndOfAlternative(std::string_view text) {
  int depth = 0;
  size_t end = text.size();
  ForEachSign(text, 0, [&](size_t i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (text[i] == '|' && depth == 0) end = i;
    return end == text.size();
  });
  return end;
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

bool BeginsWithLook(std::string_view text) {
  return text.starts_with("^(?!") || text.starts_with("^(?=");
}

Parts SplitLooks(std::string_view text) {
  Parts parts;
  // Elsewhere look-aheads reach RE2, which refuses them.
  if (!BeginsWithLook(text)) {
    parts.expression = fmt::format("{}{}", kAnyCharacter, text);
    return parts;
  }
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

// What fits where any of these does: look-aheads hold for their own alternative alone.
std::vector<Parts> SplitSearch(std::string_view text) {
  std::vector<std::string_view> alternatives;
  for (;;) {
    const size_t end = EndOfAlternative(text);
    alternatives.push_back(text.substr(0, end));
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  std::vector<Parts> out;
  for (const std::string_view one : alternatives) out.push_back(SplitLooks(one));
  return out;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::vector<Parts> SplitPattern(const std::string& pattern) {
  if (!pattern.starts_with(kSearchPrefix)) return {Parts{ExpressionOf(pattern), {}}};
  const std::string text = WrittenPattern(pattern);
  // Whole where it can be: flags at its beginning hold for all alternatives.
  std::vector<Parts> alternatives = SplitSearch(text);
  const bool has_looks = std::any_of(alternatives.begin(), alternatives.end(),
                                     [](const Parts& one) { return !one.looks.empty(); });
  return has_looks ? alternatives : std::vector<Parts>{SplitLooks(text)};
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
  const auto compile = [](const std::string& text) {
    auto expression = std::make_unique<re2::RE2>(text, Quiet());
    QCONVERT_CHECK(expression->ok());
    return expression;
  };
  for (const Parts& parts : SplitPattern(pattern)) {
    Alternative& one = alternatives_.emplace_back();
    one.expression = compile(parts.expression);
    for (const auto& [text, is_wanted] : parts.looks)
      one.look_aheads.push_back({compile(text), is_wanted});
  }
}
NamePattern::~NamePattern() = default;
NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;

bool NamePattern::Matches(std::string_view name) const {
  const re2::StringPiece text(name.data(), name.size());
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const Alternative& one) {
    for (const auto& [expression, is_wanted] : one.look_aheads)
      // Each begins with ^ by itself: a partial match is one at the beginning.
      if (re2::RE2::PartialMatch(text, *expression) != is_wanted) return false;
    return anywhere_ ? re2::RE2::PartialMatch(text, *one.expression)
                     : re2::RE2::FullMatch(text, *one.expression);
  });
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
  std::vector<std::string> all;
  for (const Parts& parts : SplitPattern(pattern)) {
    all.push_back(parts.expression);
    for (const Look& look : parts.looks) all.push_back(look.expression);
  }
  for (const std::string& one : all) {
    const re2::RE2 expression(one, Quiet());
    if (expression.ok()) continue;
    return fmt::format("'{}' is no regular expression: {}", WrittenPattern(pattern),
                       expression.error());
  }
  return "";
}

}  // namespace qconvert

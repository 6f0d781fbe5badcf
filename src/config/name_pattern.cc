#include "qconvert/config/name_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr std::string_view kRegexPrefix = "re:";

std::string ExpressionOf(const std::string& pattern) {
  if (pattern.starts_with(kRegexPrefix)) return pattern.substr(kRegexPrefix.size());
  std::string expression = "(?s)";  // . is any character, newlines too
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

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

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
    : expression_(std::make_unique<re2::RE2>(ExpressionOf(pattern), Quiet())) {
  QCONVERT_CHECK(expression_->ok());
}
NamePattern::~NamePattern() = default;
NamePattern::NamePattern(NamePattern&&) noexcept = default;
NamePattern& NamePattern::operator=(NamePattern&&) noexcept = default;

bool NamePattern::Matches(std::string_view name) const {
  return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *expression_);
}

std::string PatternOfName(const std::string& name) {
  const bool is_plain = !name.starts_with(kRegexPrefix) && !name.starts_with('-') &&
                        name.find_first_of("*?") == std::string::npos &&
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
  const re2::RE2 expression(ExpressionOf(pattern), Quiet());
  if (expression.ok()) return "";
  return fmt::format("'{}' is no regular expression: {}", pattern, expression.error());
}

}  // namespace qconvert

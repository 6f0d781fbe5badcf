// Patterns for node names in layer entries.
#ifndef QCONVERT_CONFIG_NAME_PATTERN_H_
#define QCONVERT_CONFIG_NAME_PATTERN_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace qconvert {

// A name; with * (any text) or ? (any character) a glob; or "re:" and a regular expression (RE2
// syntax, linear time). All must fit the whole name. "search:" and a regular expression fits where
// that is found anywhere in the name, as Python's re.search; it, and each of its alternatives, may
// begin with ^ and look-aheads, ^(?!.*head).* say, which RE2 itself does not know.
class NamePattern {
 public:
  // `pattern` must have passed FindPatternError.
  explicit NamePattern(const std::string& pattern);
  ~NamePattern();
  NamePattern(NamePattern&&) noexcept;
  NamePattern& operator=(NamePattern&&) noexcept;

  bool Matches(std::string_view name) const;

 private:
  struct LookAhead {
    std::unique_ptr<re2::RE2> expression;
    bool is_wanted = true;
  };

  struct Alternative {
    std::unique_ptr<re2::RE2> expression;
    std::vector<LookAhead> look_aheads;  // at the beginning of the name
  };

  std::vector<Alternative> alternatives_;  // the name fits where one of them does
  bool anywhere_ = false;                  // else an expression must fit the whole name
};

// The pattern as its writer knows it: without "search:".
std::string WrittenPattern(const std::string& pattern);

// The pattern that only `name` fits: itself, or an expression where it would be read as one or as
// an option, or holds signs that nobody can type.
std::string PatternOfName(const std::string& name);

// The expression, RE2's, that fits the whole name where `pattern` does; not of "search:".
std::string ExpressionOf(const std::string& pattern);

// Why `pattern` is none, or empty.
std::string FindPatternError(const std::string& pattern);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_NAME_PATTERN_H_

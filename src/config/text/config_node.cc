#include "qconvert/config/config_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "qconvert/base/utf8.h"

namespace qconvert {

std::string ConfigPlace::Text() const {
  if (is_default()) return "default";
  const std::string name = EscapeForTerminal(*source);
  return line > 0 ? fmt::format("{}:{}:{}", name, line, column) : name;
}

const ConfigNode* ConfigNode::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.scalar == key) return &value;
  }
  return nullptr;
}

std::string ConfigNode::Shown() const {
  switch (kind) {
    case Kind::kScalar:
      return scalar;
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kNull:
      return "null";
  }
  return "";
}

ConfigError::ConfigError(std::vector<std::string> problems)
    : Error(ExitCode::kConfig, "", problems.at(0)), problems_(std::move(problems)) {}

void ConfigProblems::Add(const ConfigPlace& place, std::string_view message) {
  if (full()) {
    ++untold_;
    return;
  }
  const std::string where = place.is_default() ? EscapeForTerminal(file_) : place.Text();
  // Options and the file as a whole have no line.
  const int line = place.line > 0 ? place.line : std::numeric_limits<int>::max();  // last
  problems_.push_back({line, place.column, where + ": " + EscapeForTerminal(message)});
}

void ConfigProblems::ThrowIfAny() const {
  if (!problems_.empty()) throw ConfigError(Texts());
}

std::vector<std::string> ConfigProblems::Texts() const {
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  std::vector<std::string> texts;
  for (Problem& problem : sorted) texts.push_back(std::move(problem.text));
  if (untold_ > 0) {
    texts.push_back(fmt::format("{}: {} more problems", EscapeForTerminal(file_), untold_));
  }
  return texts;
}

}  // namespace qconvert

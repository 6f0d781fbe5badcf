#include "qconvert/base/wrap.h"

#include <algorithm>

#include "qconvert/base/utf8.h"

namespace qconvert {
namespace {

// Where the text begins that further lines stand under.
size_t HangingIndent(std::string_view line, size_t columns) {
  size_t hang = std::min(line.find_first_not_of(' '), line.size());
  for (size_t at = line.find("  ", hang); at != std::string_view::npos;
       at = line.find("  ", hang)) {
    const size_t text = line.find_first_not_of(' ', at);
    // Behind the middle there is too little room for words under it.
    if (text == std::string_view::npos || text > columns / 2) break;
    hang = text;
  }
  return hang;
}

// What somebody copies into a shell: broken it would be another.
bool IsToPaste(std::string_view line, size_t hang) {
  constexpr size_t kHelpIndent = 2;  // of an option with its text
  line.remove_prefix(hang);
  return (line.starts_with("--") && hang > kHelpIndent) || line.starts_with("qconvert ");
}

}  // namespace

std::string WrapLine(std::string_view line, size_t columns) {
  const size_t hang = HangingIndent(line, columns);
  if (CountColumns(line) <= columns || IsToPaste(line, hang)) return std::string(line);
  std::string out(line.substr(0, hang));
  size_t taken = CountColumns(out);
  const size_t indent = taken;
  for (size_t begin = hang; begin < line.size();) {
    const size_t end = std::min(
        line.find(' ', std::min(line.find_first_not_of(' ', begin), line.size())), line.size());
    std::string_view word = line.substr(begin, end - begin);  // with the spaces before it
    // The first word of a line stays, however long: lines would go on without it for ever.
    if (taken > indent && taken + CountColumns(word) > columns) {
      word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
      out += "\n" + std::string(indent, ' ');
      taken = indent;
    }
    out += word;
    taken += CountColumns(word);
    begin = end;
  }
  return out;
}

std::string WrapLines(std::string_view text, bool unindented, size_t columns) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    out += unindented || line.starts_with(' ') ? WrapLine(line, columns) : std::string(line);
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

}  // namespace qconvert

// Lines that fit a terminal.
#ifndef QCONVERT_BASE_WRAP_H_
#define QCONVERT_BASE_WRAP_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace qconvert {

inline constexpr size_t kTerminalColumns = 80;

// One line, broken at spaces into lines of at most `columns` columns (CountColumns). What
// follows the first stands under the last column of text that two spaces or more set off:
//
//   judged   scores passes: 42.3 dB over      judged   scores passes: 42.3 dB
//            12 samples                  ->            over 12 samples
//
// A word that is longer stays whole, and so does a line that is a command or an option to paste.
std::string WrapLine(std::string_view line, size_t columns = kTerminalColumns);

// WrapLine of every line; `unindented`: also of those that begin without a space.
std::string WrapLines(std::string_view text, bool unindented, size_t columns = kTerminalColumns);

}  // namespace qconvert

#endif  // QCONVERT_BASE_WRAP_H_

// Whether somebody watches stderr, and how much the screen can do.
#ifndef QCONVERT_BASE_TERMINAL_H_
#define QCONVERT_BASE_TERMINAL_H_

namespace qconvert {

// stderr is a terminal that can go back to the start of a line: TERM is not "dumb".
bool IsLiveTerminal();

// The same, and colours are not declined: NO_COLOR is not set, or empty (no-color.org).
bool ShowsColors();

}  // namespace qconvert

#endif  // QCONVERT_BASE_TERMINAL_H_

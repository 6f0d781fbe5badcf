#include "qconvert/base/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace qconvert {

bool IsLiveTerminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

bool ShowsColors() {
  const char* declined = std::getenv("NO_COLOR");
  return IsLiveTerminal() && (declined == nullptr || *declined == '\0');
}

}  // namespace qconvert

#include "qconvert/base/counted.h"

#include <fmt/format.h>

namespace qconvert {

std::string Counted(int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace qconvert

#include "qconvert/base/memory.h"

#include <unistd.h>

#include <fstream>

namespace qconvert {

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0;
  int64_t resident = 0;
  if (!(file >> all >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace qconvert

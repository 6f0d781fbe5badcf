#include "qconvert/base/memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace qconvert {

int64_t ResidentBytes() { return ResidentBytes(getpid()); }

int64_t ResidentBytes(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  int64_t all = 0;
  int64_t resident = 0;
  if (!(file >> all >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace qconvert

#include "qconvert/base/memory.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
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

MachineMemory ParseMeminfo(std::istream& text) {
  constexpr int64_t kKilo = 1024;
  MachineMemory machine;
  std::string line;
  while (std::getline(text, line)) {
    std::istringstream words(line);
    std::string name;
    int64_t kilobytes = 0;
    if (!(words >> name >> kilobytes)) continue;
    if (name == "MemTotal:") machine.total = kilobytes * kKilo;
    if (name == "MemAvailable:" || name == "SwapFree:") machine.left += kilobytes * kKilo;
  }
  return machine;
}

MachineMemory MemoryOfMachine() {
  std::ifstream file("/proc/meminfo");
  return ParseMeminfo(file);
}

bool TakesTheLast(int64_t resident, const MachineMemory& machine) {
  return machine.total > 0 && resident > machine.total / 2 && machine.left < machine.total / 16;
}

}  // namespace qconvert

#include "qconvert/base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace qconvert {

int64_t ResidentBytes() { return ResidentBytes(getpid()); }

int64_t ResidentBytes(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  int64_t all = 0;
  int64_t resident = 0;
  // Both in pages.
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
    // Lines of another form tell nothing of these.
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

int64_t RoomLeft(int64_t limit, int64_t resident, const MachineMemory& machine) {
  if (limit > 0) return limit - resident;
  if (machine.total <= 0) return std::numeric_limits<int64_t>::max();
  return machine.left - machine.total / 16;
}

int FittingWorkers(int wanted, int64_t each, int64_t room) {
  // What the first worker took may be too little to be seen: 0.
  const int64_t others = std::max<int64_t>(room, 0) / std::max<int64_t>(each, 1);
  return static_cast<int>(std::min<int64_t>(others, wanted - 1)) + 1;
}

}  // namespace qconvert

// How much memory a test has taken.
#ifndef QCONVERT_TESTS_SUPPORT_PEAK_BYTES_H_
#define QCONVERT_TESTS_SUPPORT_PEAK_BYTES_H_

#include <cstdint>
#include <fstream>
#include <string>

namespace qconvert {

// The most that was resident since the last call; 0 where the system does not tell.
inline int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  int64_t kilobytes = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kilobytes;
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): begin anew
  return kilobytes << 10;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_PEAK_BYTES_H_

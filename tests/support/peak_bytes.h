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

// Whether memory that was given back stays resident for a while, up to hundreds of megabytes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kKeepsFreedMemory = true;
#else
inline constexpr bool kKeepsFreedMemory = false;
#endif

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_PEAK_BYTES_H_

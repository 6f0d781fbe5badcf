#include "qconvert/base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace qconvert {
namespace {

TEST(ResidentBytesTest, GrowsByWhatIsTouched) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  const int64_t before = ResidentBytes();
  if (before == 0) GTEST_SKIP() << "this system has no /proc/self/statm";
  const std::vector<char> block(kBytes, 'x');
  const int64_t after = ResidentBytes();
  EXPECT_EQ(block.back(), 'x');
  EXPECT_GE(after - before, kBytes - (int64_t{4} << 20));
  EXPECT_LE(after - before, kBytes + (int64_t{16} << 20)) << "bytes, not pages or kilobytes";
}

TEST(ResidentBytesTest, TellsOfOtherProcesses) {
  EXPECT_EQ(ResidentBytes(0), 0) << "there is no process 0";
  if (ResidentBytes() == 0) GTEST_SKIP() << "this system has no /proc/self/statm";
  EXPECT_GT(ResidentBytes(getppid()), 0);
}

}  // namespace
}  // namespace qconvert

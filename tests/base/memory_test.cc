#include "qconvert/base/memory.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <limits>

#include <sstream>
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

TEST(MemoryTest, MeminfoIsRead) {
  std::istringstream text(
      "MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:     40 kB\n"
      "HugePages_Total:       0\nSwapFree:  2 kB\nnonsense\n");
  const MachineMemory machine = ParseMeminfo(text);
  EXPECT_EQ(machine.total, 1000 * 1024);
  EXPECT_EQ(machine.left, 42 * 1024);
  std::istringstream none("");
  EXPECT_EQ(ParseMeminfo(none).total, 0);
  EXPECT_GT(MemoryOfMachine().total, MemoryOfMachine().left / 100);
}

TEST(MemoryTest, OnlyWhoHoldsMostTakesTheLast) {
  EXPECT_TRUE(TakesTheLast(801, {1600, 99}));
  EXPECT_FALSE(TakesTheLast(801, {1600, 100})) << "a sixteenth is left";
  EXPECT_FALSE(TakesTheLast(800, {1600, 0})) << "others hold as much";
  EXPECT_FALSE(TakesTheLast(500, {0, 0})) << "the system does not tell";
}

TEST(MemoryTest, RoomIsThatOfTheLimitOrOfTheMachine) {
  EXPECT_EQ(RoomLeft(1000, 300, {1600, 5}), 700) << "a limit is the user's word";
  EXPECT_EQ(RoomLeft(1000, 1300, {1600, 5}), -300);
  EXPECT_EQ(RoomLeft(0, 300, {1600, 500}), 400) << "a sixteenth stays";
  EXPECT_EQ(RoomLeft(0, 300, {1600, 50}), -50);
  EXPECT_EQ(RoomLeft(0, 300, {0, 0}), std::numeric_limits<int64_t>::max());
}

TEST(MemoryTest, AsManyWorkersAsFitBesideTheFirst) {
  EXPECT_EQ(FittingWorkers(8, 100, 250), 3);
  EXPECT_EQ(FittingWorkers(2, 100, 250), 2) << "as many as were wanted";
  EXPECT_EQ(FittingWorkers(8, 100, 99), 1);
  EXPECT_EQ(FittingWorkers(8, 100, -300), 1) << "one always runs";
  EXPECT_EQ(FittingWorkers(8, 0, 99), 8) << "the first took nothing that could be seen";
  EXPECT_EQ(FittingWorkers(8, -5, 99), 8) << "or even gave some back";
  EXPECT_EQ(FittingWorkers(1, 100, 1000), 1);
  EXPECT_EQ(FittingWorkers(1024, 1, std::numeric_limits<int64_t>::max()), 1024);
}

}  // namespace
}  // namespace qconvert

#include "qconvert/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

// What the four kinds of message write at a level.
std::string Written(LogLevel level) {
  SetLogLevel(level);
  testing::internal::CaptureStderr();
  LogDebug("small");
  LogInfo("plain");
  LogWarning("odd");
  LogError("wrong");
  std::string text = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kNormal);
  return text;
}

TEST(LogTest, LevelsSayHowMuchIsTold) {
  const std::string warning = "qconvert: warning: odd\n";
  const std::string error = "qconvert: error: wrong\n";
  EXPECT_EQ(Written(LogLevel::kQuiet), error);
  EXPECT_EQ(Written(LogLevel::kWarnings), warning + error);
  EXPECT_EQ(Written(LogLevel::kNormal), "qconvert: plain\n" + warning + error);
  EXPECT_EQ(Written(LogLevel::kVerbose), "qconvert: small\nqconvert: plain\n" + warning + error);
  EXPECT_EQ(GetLogLevel(), LogLevel::kNormal);
}

// Names of files and nodes are no formats.
TEST(LogTest, BracesAndPercentsAreText) {
  testing::internal::CaptureStderr();
  LogInfo("{} {0} %v %s {{x}}");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "qconvert: {} {0} %v %s {{x}}\n");
}

TEST(CheckTest, SaysWhatFailedAndWhere) {
  const int two = 2;
  QCONVERT_CHECK(two == 2);
  try {
    QCONVERT_CHECK(two == 3);
    FAIL();
  } catch (const InternalError& e) {
    EXPECT_THAT(e.what(),
                testing::MatchesRegex("check failed: two == 3 \\(.*log_test.cc:[0-9]+\\)"));
  }
}

}  // namespace
}  // namespace qconvert

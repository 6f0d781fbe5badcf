#include "../../src/runtime/quiet_stderr.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace qconvert {
namespace {

void Say(const char* text) {
  std::fputs(text, stderr);
  std::fflush(stderr);
}

TEST(QuietStderrTest, WhatIsWrittenMeanwhileGoesNowhere) {
  testing::internal::CaptureStderr();
  Say("before ");
  {
    const QuietStderr quiet;
    Say("meanwhile ");
  }
  Say("after");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "before after");
}

TEST(QuietStderrTest, ItComesBackBehindAnExceptionAndTakesNoDescriptors) {
  testing::internal::CaptureStderr();
  const int before = dup(0);
  close(before);
  for (int k = 0; k < 3; ++k) {
    try {
      const QuietStderr quiet;
      throw k;
    } catch (int) {
      Say("x");
    }
  }
  const int after = dup(0);
  close(after);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "xxx");
  EXPECT_EQ(after, before);
}

// Two that overlap would put each other's null device back.
TEST(QuietStderrTest, ThreadsTakeTurns) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int k = 0; k < 20; ++k) const QuietStderr quiet;
    });
  }
  for (std::thread& thread : threads) thread.join();
  Say("heard");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "heard");
}

TEST(HasPatternsTest, OperatorsWithRegularExpressionsAreFoundAnywhere) {
  EXPECT_FALSE(HasPatterns(""));
  EXPECT_FALSE(HasPatterns("StringNormalizer"));
  EXPECT_FALSE(HasPatterns("RegexFullMatc"));
  EXPECT_TRUE(HasPatterns("RegexFullMatch"));
  EXPECT_TRUE(HasPatterns(std::string(100, '\0') + "Tokenizer" + std::string(3, '\xff')));
}

}  // namespace
}  // namespace qconvert

#include "qconvert/base/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

class TemporaryFolderTest : public testing::Test {
 protected:
  TemporaryFolderTest() { setenv("TMPDIR", dir_.path().c_str(), 1); }
  ~TemporaryFolderTest() override { unsetenv("TMPDIR"); }
  const TempDir dir_;
};

TEST_F(TemporaryFolderTest, GoesWithAllThatLiesInIt) {
  {
    TemporaryFolder folder;
    EXPECT_EQ(folder.path().parent_path(), dir_.path());
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    WriteFile(folder.File("a"), "1");
    WriteFile(folder.path() / "unnamed", "2");
    std::filesystem::create_directory(folder.path() / "deeper");
    WriteFile(folder.path() / "deeper" / "b", "3");
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(TemporaryFolderTest, WhatWasNamedGoesWhenTheRunIsKilled) {
  TemporaryFolder folder;
  WriteFile(folder.File("a"), "1");
  RemoveProvisionals();  // what a signal handler does
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(TemporaryFolderTest, WhereNoneCanBeMadeItSaysSo) {
  setenv("TMPDIR", (dir_ / "missing").c_str(), 1);
  try {
    const TemporaryFolder folder;
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_THAT(e.what(), HasSubstr("TMPDIR"));
  }
}

}  // namespace
}  // namespace qconvert

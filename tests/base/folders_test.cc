#include "qconvert/base/folders.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

TEST(FoldersTest, MakesThoseAboveToo) {
  const TempDir dir;
  MakeFolder(dir / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
  MakeFolder(dir / "a/b/c");  // that it is there already is no error
}

TEST(FoldersTest, ProvisionalOnesGoUnlessKept) {
  const TempDir dir;
  { const auto made = MakeProvisionalFolder(dir / "a/b"); }
  EXPECT_FALSE(std::filesystem::exists(dir / "a"));
  {
    auto made = MakeProvisionalFolder(dir / "a/b");
    ASSERT_EQ(made.size(), 2U);
    made[1].Keep();  // "a": innermost first
  }
  EXPECT_TRUE(std::filesystem::exists(dir / "a"));
  EXPECT_FALSE(std::filesystem::exists(dir / "a/b"));
}

TEST(FoldersTest, NothingThatWasThereIsProvisional) {
  const TempDir dir;
  MakeFolder(dir / "a");
  EXPECT_TRUE(MakeProvisionalFolder(dir / "a").empty());
  EXPECT_TRUE(MakeProvisionalFolder("").empty());
  EXPECT_TRUE(std::filesystem::exists(dir / "a"));
}

TEST(FoldersTest, AFileInTheWayIsNamed) {
  const TempDir dir;
  const std::filesystem::path folder = dir.Write("file", "x") / "below";
  EXPECT_THAT([&] { MakeProvisionalFolder(folder); },
              ThrowsError(ExitCode::kFile, "below: cannot be made: "));
}

}  // namespace
}  // namespace qconvert

#include "qconvert/base/refuse_overwriting.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "qconvert/base/error.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

std::string Refusal(const std::vector<std::filesystem::path>& outputs,
                    const std::vector<std::filesystem::path>& inputs) {
  try {
    RefuseOverwriting(outputs, inputs);
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kUsage);
    return e.what();
  }
}

TEST(RefuseOverwritingTest, KnowsAnInputThroughLinks) {
  const TempDir folder;
  const auto input = folder.Write("in", "x");
  std::filesystem::create_symlink("in", folder / "soft");
  std::filesystem::create_hard_link(input, folder / "hard");
  EXPECT_EQ(Refusal({input}, {input}), input.string() + ": is an input, will not overwrite it");
  for (const char* link : {"soft", "hard"}) {
    EXPECT_EQ(
        Refusal({folder / "new", folder / link}, {folder.Write("other", ""), input}),
        (folder / link).string() + ": is an input (" + input.string() + "), will not overwrite it");
  }
  EXPECT_EQ(Refusal({folder / "new"}, {input, "", folder / "none"}), "");
}

TEST(RefuseOverwritingTest, KnowsTwoOutputsBeforeTheyExist) {
  const TempDir folder;
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("later", folder / "dangling");
  for (const char* other : {"later", "./later", "sub/../later", "dangling"})
    EXPECT_NE(Refusal({folder / "later", folder / other}, {}), "") << other;
  EXPECT_EQ(Refusal({folder / "later", folder / "sub/later", ""}, {}), "");
  EXPECT_EQ(Refusal({"", ""}, {""}), "");
}

TEST(RefuseOverwritingTest, TellsWhichOutputsAreOneFile) {
  const TempDir folder;
  std::filesystem::create_directory(folder / "sub");
  EXPECT_EQ(FindSharedOutput({folder / "a", "", folder / "b", folder / "sub/../a"}),
            (std::pair<size_t, size_t>(0, 3)));
  EXPECT_EQ(FindSharedOutput({folder / "a", folder / "sub/a", "/dev/null", "/dev/null"}),
            std::nullopt);
}

TEST(RefuseOverwritingTest, DevicesMayBeNamedTwice) {
  EXPECT_EQ(Refusal({"/dev/null", "/dev/null"}, {"/dev/null"}), "");
}

}  // namespace
}  // namespace qconvert

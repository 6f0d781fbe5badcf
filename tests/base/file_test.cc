#include "qconvert/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "qconvert/base/error.h"
#include "qconvert/base/sha256.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

size_t CountEntries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFileTest, CommitReplacesAndLeavesNothingElse) {
  const TempDir folder;
  const auto target = folder.Write("out.onnx", "old");
  {
    AtomicFile file(target);
    file.Write("new ");
    file.Write("content");
    EXPECT_EQ(Slurp(target), "old") << "nothing shows before the commit";
    file.Commit();
  }
  EXPECT_EQ(Slurp(target), "new content");
  EXPECT_EQ(CountEntries(folder.path()), 1U);
}

TEST(AtomicFileTest, WithoutCommitTheOldFileStays) {
  const TempDir folder;
  const auto target = folder.Write("out.onnx", "old");
  { AtomicFile(target).Write("half"); }
  EXPECT_EQ(Slurp(target), "old");
  EXPECT_EQ(CountEntries(folder.path()), 1U);
}

TEST(AtomicFileTest, KeepsTheModeOfTheOldFileAndReplacesBehindALink) {
  const TempDir folder;
  const auto target = folder.Write("real.onnx", "old");
  chmod(target.c_str(), 0640);
  std::filesystem::create_symlink("real.onnx", folder / "link.onnx");
  {
    AtomicFile file(folder / "link.onnx");
    file.Write("new");
    file.Commit();
  }
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.onnx"));
  EXPECT_EQ(Slurp(target), "new");
  struct stat status {};
  stat(target.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST(AtomicFileTest, ANameOf255BytesWorks) {
  const TempDir folder;
  AtomicFile file(folder / std::string(255, 'n'));
  file.Write("x");
  file.Commit();
  EXPECT_TRUE(std::filesystem::exists(folder / std::string(255, 'n')));
}

TEST(CheckWritableTest, RefusesWhatCannotBecomeAFile) {
  const TempDir folder;
  EXPECT_NO_THROW(CheckWritable(folder / "new"));
  EXPECT_THROW(CheckWritable(folder.path()), Error);
  EXPECT_THROW(CheckWritable(folder / "no" / "such" / "folder"), Error);
  EXPECT_THROW(CheckWritable("/dev/full"), Error);
  EXPECT_THROW(CheckWritable(folder / std::string(256, 'n')), Error);
}

TEST(InputFileTest, RefusesFoldersPipesAndDevicesAtOnce) {
  const TempDir folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path :
       {folder.path(), folder / "pipe", std::filesystem::path("/dev/zero"), folder / "none"}) {
    try {
      InputFile file(path);
      FAIL() << path;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kFile) << e.what();
    }
  }
}

TEST(ReadFileTest, HasALimit) {
  const TempDir folder;
  const auto file = folder.Write("f", "12345");
  EXPECT_EQ(ReadFile(file), "12345");
  EXPECT_THROW(ReadFile(file, 4), Error);
}

TEST(ListFolderTest, SortsByBytesAndHidesDotFiles) {
  const TempDir folder;
  for (const char* name : {"b", "a10", "a2", ".hidden", "B"}) folder.Write(name, "");
  std::vector<std::string> names;
  for (const auto& entry : ListFolder(folder.path())) names.push_back(entry.filename());
  EXPECT_EQ(names, (std::vector<std::string>{"B", "a10", "a2", "b"}));
}

TEST(SameFileTest, LooksThroughLinks) {
  const TempDir folder;
  const auto file = folder.Write("f", "");
  std::filesystem::create_symlink("f", folder / "soft");
  std::filesystem::create_hard_link(file, folder / "hard");
  EXPECT_TRUE(SameFile(file, folder / "soft"));
  EXPECT_TRUE(SameFile(file, folder / "hard"));
  EXPECT_FALSE(SameFile(file, folder.Write("g", "")));
  EXPECT_FALSE(SameFile(file, folder / "none"));
}

TEST(Sha256Test, KnownVectors) {  // FIPS 180-4 examples
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace qconvert

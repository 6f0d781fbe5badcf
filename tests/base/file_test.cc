#include "qconvert/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>

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

TEST(AtomicFileTest, ALinkToNothingYetStaysALink) {
  const TempDir folder;
  std::filesystem::create_directory(folder / "there");
  std::filesystem::create_symlink("there/real", folder / "link");
  WriteFile(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(Slurp(folder / "there" / "real"), "new");
  EXPECT_EQ(FollowLinks(folder / "link"), folder / "there/real");
}

TEST(AtomicFileTest, TemporariesOfTheDeadGoThoseOfTheLivingStay) {
  const TempDir folder;
  folder.Write(".qconvert-1-0.tmp", "of a run that was killed");
  folder.Write(".qconvert-notes", "the user's");
  const AtomicFile living(folder / "a");
  const AtomicFile another(folder / "b");
  EXPECT_FALSE(std::filesystem::exists(folder / ".qconvert-1-0.tmp"));
  EXPECT_TRUE(std::filesystem::exists(living.temporary_path())) << "its process lives";
  EXPECT_TRUE(std::filesystem::exists(folder / ".qconvert-notes"));
}

TEST(AtomicFileTest, IsLockedWhileComplete) {
  const TempDir folder;
  AtomicFile first(folder / "a");
  first.Sync();
  const AtomicFile second(folder / "b");
  EXPECT_TRUE(std::filesystem::exists(first.temporary_path()));
}

TEST(CommitTogetherTest, AllOrNone) {
  const TempDir folder;
  const auto model = folder.Write("m.onnx", "old model");
  {
    AtomicFile first(model);
    AtomicFile fresh(folder / "fresh");
    AtomicFile second(folder / "info");
    first.Write("new model");
    std::filesystem::create_directories(folder / "info" / "in the way");
    EXPECT_THROW(CommitTogether(std::array{&first, &fresh, &second}), Error);
  }
  EXPECT_EQ(Slurp(model), "old model");
  EXPECT_FALSE(std::filesystem::exists(folder / "fresh"));
  EXPECT_EQ(CountEntries(folder.path()), 2U) << "no temporary is left";
  std::filesystem::remove_all(folder / "info");
  AtomicFile first(model);
  AtomicFile second(folder / "info");
  first.Write("new model");
  second.Write("new info");
  CommitTogether(std::array{&first, &second});
  EXPECT_EQ(Slurp(model), "new model");
  EXPECT_EQ(Slurp(folder / "info"), "new info");
  EXPECT_EQ(CountEntries(folder.path()), 2U);
}

TEST(WriteAllTest, FailsWhereNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    WriteAll(ends[1], "pipe", "text");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_STREQ(e.what(), "pipe: cannot write: Broken pipe");
  }
  close(ends[1]);
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
  EXPECT_THROW(CheckWritable("/proc/new"), Error) << "where root may write by its permissions";
}

TEST(CheckWritableTest, LeavesNothingBehind) {
  const TempDir folder;
  const auto older = folder.Write("older", "12345");
  CheckWritable(folder / "new");
  CheckWritable(older);
  EXPECT_EQ(ReadFile(older), "12345");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
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

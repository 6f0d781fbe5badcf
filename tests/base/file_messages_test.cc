// What is said of files and folders that do not do, to the letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/sha256.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Path = std::filesystem::path;

class FileMessagesTest : public testing::Test {
 protected:
  // The folder's own name as $; "" where nothing is thrown.
  std::string Said(const std::function<void()>& work, ExitCode code = ExitCode::kFile) const {
    try {
      work();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      std::string text = e.what();
      const std::string name = folder_.path().string();
      for (size_t at = text.find(name); at != std::string::npos; at = text.find(name))
        text.replace(at, name.size(), "$");
      return text;
    }
    return "";
  }
  std::string Opening(const Path& path) const {
    return Said([&] { InputFile file(path); });
  }
  std::string Writing(const Path& path) const {
    return Said([&] { CheckWritable(path); });
  }
  TempDir folder_;
};

TEST_F(FileMessagesTest, WhatIsNoFileToRead) {
  folder_.Write("model.onnx", "x");
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Opening(folder_ / "model.onnx"), "");
  EXPECT_EQ(Opening(folder_ / "modle.onnx"),
            "$/modle.onnx: cannot open: No such file or directory, did you mean '$/model.onnx'?");
  EXPECT_EQ(Opening(folder_ / "other"), "$/other: cannot open: No such file or directory");
  EXPECT_EQ(Opening(folder_ / "model.onnx/in"), "$/model.onnx/in: cannot open: Not a directory");
  EXPECT_EQ(Opening(folder_.path()), "$: is a folder, expected a file");
  EXPECT_EQ(Opening(folder_ / "pipe"), "$/pipe: is not a regular file");
  EXPECT_EQ(Opening("/dev/null"), "/dev/null: is not a regular file");
  std::filesystem::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(Opening(folder_ / "loop"), "$/loop: cannot open: Too many levels of symbolic links");
}

TEST_F(FileMessagesTest, WhatCannotBeWritten) {
  const Path file = folder_.Write("file", "x");
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Writing(file), "");
  EXPECT_EQ(Writing(folder_ / "new"), "");
  EXPECT_EQ(Writing(folder_.path()), "$: is a folder, expected an output file");
  EXPECT_EQ(Writing(folder_ / "pipe"), "$/pipe: is not a regular file, will not replace it");
  EXPECT_EQ(Writing("/dev/null"), "/dev/null: is not a regular file, will not replace it");
  EXPECT_EQ(Writing(folder_ / "no/new"), "$/no: cannot write to folder: No such file or directory");
  EXPECT_EQ(Writing(file / "new"), "$/file/new: cannot write: Not a directory");
  std::filesystem::create_symlink("no/there", folder_ / "link");
  EXPECT_EQ(Writing(folder_ / "link"), "$/no: cannot write to folder: No such file or directory")
      << "where the link leads";
}

TEST_F(FileMessagesTest, ReadsBeyondTheEnd) {
  const InputFile file(folder_.Write("f", "12345"));
  std::string out(9, '.');
  EXPECT_EQ(Said([&] { file.ReadAt(2, 3, out.data()); }), "");
  EXPECT_EQ(out, "345......");
  EXPECT_EQ(Said([&] { file.ReadAt(2, 4, out.data()); }), "$/f: became shorter while it was read");
  EXPECT_EQ(Said([&] { file.ReadAt(9, 1, out.data()); }), "$/f: became shorter while it was read");
  EXPECT_EQ(Said([&] { file.ReadAt(9, 0, out.data()); }), "") << "nothing is asked for";
  std::filesystem::resize_file(folder_ / "f", 1);
  EXPECT_EQ(file.size(), 5) << "as it was when it was opened";
  EXPECT_EQ(Said([&] { file.ReadAt(0, 5, out.data()); }), "$/f: became shorter while it was read");
  Sha256 hash;
  EXPECT_EQ(Said([&] { hash.UpdateFile(file); }), "$/f: became shorter while it was read");
}

TEST_F(FileMessagesTest, LimitsAreTold) {
  const Path file = folder_.Write("f", "12345");
  EXPECT_EQ(Said([&] { ReadFile(file, 5); }), "");
  EXPECT_EQ(Said([&] { ReadFile(file, 4); }, ExitCode::kResource),
            "$/f: has 5 bytes, expected at most 4");
  EXPECT_EQ(Said([&] { ReadFile(file, 0); }, ExitCode::kResource),
            "$/f: has 5 bytes, expected at most 0");
  EXPECT_EQ(ReadFile(folder_.Write("empty", ""), 0), "");
}

TEST_F(FileMessagesTest, FoldersThatAreNone) {
  const Path file = folder_.Write("file", "x");
  EXPECT_EQ(Said([&] { ListFolder(folder_ / "no"); }),
            "$/no: cannot list: No such file or directory");
  EXPECT_EQ(Said([&] { ListFolder(file); }), "$/file: cannot list: Not a directory");
  EXPECT_EQ(Said([&] { MakeFolder(file / "in"); }), "$/file/in: cannot be made: Not a directory");
  EXPECT_EQ(Said([&] { MakeFolder(folder_ / "a/b/c"); }), "");
  EXPECT_EQ(Said([&] { MakeFolder(folder_ / "a/b/c"); }), "") << "there already";
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "a/b/c"));
}

TEST_F(FileMessagesTest, OutputsThatAreInputs) {
  const Path input = folder_.Write("m.onnx", "x");
  std::filesystem::create_symlink("m.onnx", folder_ / "link.onnx");
  std::filesystem::create_directory(folder_ / "d");
  const auto refuse = [&](const std::vector<Path>& outputs, const std::vector<Path>& inputs) {
    return Said([&] { RefuseOverwriting(outputs, inputs); }, ExitCode::kUsage);
  };
  EXPECT_EQ(refuse({input}, {input}), "$/m.onnx: is an input, will not overwrite it");
  EXPECT_EQ(refuse({folder_ / "link.onnx"}, {input}),
            "$/link.onnx: is an input ($/m.onnx), will not overwrite it");
  EXPECT_EQ(refuse({folder_ / "d/../m.onnx"}, {input}),
            "$/d/../m.onnx: is an input ($/m.onnx), will not overwrite it");
  EXPECT_EQ(refuse({folder_ / "a", folder_ / "d/../a"}, {input}),
            "$/d/../a: is to hold two outputs, expected a file each");
  EXPECT_EQ(refuse({folder_ / "a", folder_ / "b"}, {input, folder_ / "none", ""}), "");
  EXPECT_EQ(refuse({"", folder_ / "a", ""}, {input}), "") << "outputs that are not asked for";
  EXPECT_EQ(refuse({folder_ / "no/a", folder_ / "no/a"}, {}), "")
      << "a folder that is not there is told by who writes";
}

TEST_F(FileMessagesTest, ACommitThatCannotPlaceItsFile) {
  std::filesystem::create_directories(folder_ / "out/in");
  EXPECT_EQ(Said([&] { WriteFile(folder_ / "out", "x"); }),
            "$/out: cannot replace: Is a directory");
  EXPECT_EQ(Said([&] { WriteFile(folder_ / "no/out", "x"); }),
            "$/no/out: cannot write: No such file or directory");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1)
      << "no temporary is left";
}

// Links may lead to each other; following them ends.
TEST_F(FileMessagesTest, LinksAreFollowedToTheirEnd) {
  const Path file = folder_.Write("there/file", "x");
  std::filesystem::create_symlink(file, folder_ / "absolute");
  std::filesystem::create_symlink("absolute", folder_ / "two");
  std::filesystem::create_symlink("pong", folder_ / "ping");
  std::filesystem::create_symlink("ping", folder_ / "pong");
  EXPECT_EQ(FollowLinks(file), file);
  EXPECT_EQ(FollowLinks(folder_ / "absolute"), file);
  EXPECT_EQ(FollowLinks(folder_ / "two"), file);
  EXPECT_EQ(FollowLinks(folder_ / "none"), folder_ / "none");
  EXPECT_EQ(FollowLinks(folder_ / "ping").parent_path(), folder_.path());
  EXPECT_EQ(FollowLinks("relative"), "relative");
  EXPECT_FALSE(SameFile(folder_ / "ping", folder_ / "pong")) << "neither is a file";
}

TEST(CountedTest, OneIsNotSeveral) {
  EXPECT_EQ(Counted(0, "sample"), "0 samples");
  EXPECT_EQ(Counted(1, "sample"), "1 sample");
  EXPECT_EQ(Counted(2, "node"), "2 nodes");
  EXPECT_EQ(Counted(-1, "node"), "-1 nodes");
  EXPECT_EQ(Counted(1'000'000, "job"), "1000000 jobs");
}

TEST(ExitCodeNameTest, EveryCodeHasAWordForScripts) {
  for (const auto& [code, word] : {std::pair{ExitCode::kSuccess, "success"},
                                   {ExitCode::kUsage, "usage"},
                                   {ExitCode::kConfig, "config"},
                                   {ExitCode::kModel, "model"},
                                   {ExitCode::kData, "data"},
                                   {ExitCode::kFile, "file"},
                                   {ExitCode::kResource, "resource"},
                                   {ExitCode::kNumeric, "numeric"},
                                   {ExitCode::kInternal, "internal"}})
    EXPECT_EQ(ExitCodeName(code), word);
}

}  // namespace
}  // namespace qconvert

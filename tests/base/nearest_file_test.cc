#include "qconvert/base/nearest_file.h"

#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

TEST(DidYouMeanBesideTest, NamesTheNearestFileOfTheFolder) {
  const TempDir folder;
  const auto model = folder.Write("model.onnx", "");
  folder.Write("a.onnx", "");
  EXPECT_EQ(DidYouMeanBeside(folder.path() / "model.onx"),
            ", did you mean '" + model.string() + "'?");
  EXPECT_EQ(DidYouMeanBeside(folder.path() / "mdel.onnx"),
            ", did you mean '" + model.string() + "'?");
  EXPECT_EQ(DidYouMeanBeside(folder.path() / "b.onnx"), "") << "an extension makes no likeness";
  EXPECT_EQ(DidYouMeanBeside(folder.path() / "none" / "model.onnx"), "");
  EXPECT_EQ(DidYouMeanBeside(""), "");
}

TEST(DidYouMeanBesideTest, ALinkToNowhereIsNotMeant) {
  const TempDir folder;
  std::filesystem::create_symlink("/nowhere/a.npy", folder / "sample.npy");
  EXPECT_EQ(DidYouMeanBeside(folder / "sample.npy"), "") << "itself";
  EXPECT_EQ(DidYouMeanBeside(folder / "samples.npy"), "");
  const auto there = folder.Write("sample1.npy", "");
  EXPECT_EQ(DidYouMeanBeside(folder / "sample.npy"), ", did you mean '" + there.string() + "'?");
}

TEST(InputFileTest, AMissingFileIsToldWithItsNeighbour) {
  const TempDir folder;
  folder.Write("model.onnx", "");
  try {
    InputFile file(folder.path() / "modell.onnx");
    FAIL() << "opened";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kFile);
    EXPECT_NE(std::string(e.what()).find("No such file or directory, did you mean '"),
              std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace qconvert

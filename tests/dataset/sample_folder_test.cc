#include "qconvert/dataset/sample_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

TEST(SampleFolderTest, WhatIsThereIsTaken) {
  const TempDir folder;
  folder.Write("calib/0.npy", "");
  EXPECT_NO_THROW(CheckSampleFolder(folder / "calib"));
  EXPECT_NO_THROW(CheckSampleFolder(folder / "calib", "c.yaml:3:7"));
  EXPECT_NO_THROW(CheckSampleFolder(folder / "calib/0.npy")) << "others say that it is no folder";
}

TEST(SampleFolderTest, TheNearestNameIsTold) {
  const TempDir folder;
  folder.Write("calib/0.npy", "");
  folder.Write("model.onnx", "");
  const std::string missing = (folder / "calb").string();
  EXPECT_THAT(
      [&] { CheckSampleFolder(missing); },
      ThrowsError(ExitCode::kFile, missing + ": no such calibration folder, did you mean '" +
                                       (folder / "calib").string() + "'?"));
  const std::string far = (folder / "pictures").string();
  EXPECT_THAT([&] { CheckSampleFolder(far); },
              ThrowsError(ExitCode::kFile, far + ": no such calibration folder"));
  EXPECT_THAT([&] { CheckSampleFolder(folder / "none/calib"); },
              ThrowsError(ExitCode::kFile, "no such calibration folder"));
}

TEST(SampleFolderTest, SettingsThatNameItComeFirst) {
  const TempDir folder;
  const std::string missing = (folder / "calib").string();
  EXPECT_THAT([&] { CheckSampleFolder(missing, "c.yaml:3:7"); },
              ThrowsError(ExitCode::kFile, "c.yaml:3:7: no such calibration folder " + missing));
}

TEST(SampleFolderTest, NamesThatAreTooLongForAFileAreMissing) {
  const TempDir folder;
  EXPECT_THAT([&] { CheckSampleFolder(folder / std::string(5000, 'x')); },
              ThrowsError(ExitCode::kFile, "no such calibration folder"));
}

}  // namespace
}  // namespace qconvert

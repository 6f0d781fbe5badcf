// An interrupted calibration goes on where it was, to the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/file.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kDigits = QCONVERT_SOURCE_DIR "/examples/digits";

CalibrateOptions Options(const TempDir& folder) {
  return {.model = kDigits / "model.onnx",
          .output = folder / "t.json",
          .calibration_folder = kDigits / "calib",
          .workers = 2,
          .checkpoint_seconds = 0};
}

// What a run does that is interrupted at this sample.
struct Interruption {};

TEST(CalibrationTableTest, ResumesAtWhateverSampleItWasInterrupted) {
  const TempDir whole;
  WriteCalibrationTable(Options(whole));
  const std::string expected = ReadFile(whole / "t.json");
  for (const size_t last : {3U, 17U, 40U, 51U}) {
    const TempDir folder;
    CalibrateOptions options = Options(folder);
    options.progress = [&](size_t done, size_t /*total*/) {
      if (done >= last) throw Interruption();
    };
    EXPECT_THROW(WriteCalibrationTable(options), Interruption);
    EXPECT_FALSE(std::filesystem::exists(folder / "t.json"));
    ASSERT_TRUE(std::filesystem::exists(CheckpointPath(folder / "t.json"))) << last;
    size_t first = 0;
    options.progress = [&](size_t done, size_t /*total*/) {
      if (first == 0) first = done;
    };
    WriteCalibrationTable(options);
    EXPECT_GT(first, 1U) << "did not begin anew";
    EXPECT_EQ(ReadFile(folder / "t.json") == expected, true) << last;
    EXPECT_FALSE(std::filesystem::exists(CheckpointPath(folder / "t.json")));
  }
}

TEST(CalibrationTableTest, CheckpointsOfOtherRunsAreLeftAside) {
  const TempDir folder;
  CalibrateOptions options = Options(folder);
  options.max_samples = 32;
  options.progress = [](size_t done, size_t /*total*/) {
    if (done >= 20) throw Interruption();
  };
  EXPECT_THROW(WriteCalibrationTable(options), Interruption);
  options.progress = {};
  options.shard = {0, 2};
  const CalibrateReport report = WriteCalibrationTable(options);
  EXPECT_EQ(report.samples, 13U) << "of the shard, not of the checkpoint; 6 of 32 are kept out";
}

}  // namespace
}  // namespace qconvert

// An interrupted calibration goes on where it was, to the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

const std::filesystem::path kDigits = ProjectFolder() / "examples/digits";

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

TEST(CalibrationTableTest, CheckpointsOfOtherVersionsAreLeftAside) {
  const TempDir folder;
  CalibrateOptions options = Options(folder);
  options.progress = [](size_t done, size_t /*total*/) {
    if (done >= 20) throw Interruption();
  };
  EXPECT_THROW(WriteCalibrationTable(options), Interruption);
  const std::filesystem::path checkpoint = CheckpointPath(folder / "t.json");
  std::string text = ReadFile(checkpoint);
  const size_t at = text.find(ToolName());
  ASSERT_NE(at, std::string::npos);
  text.replace(at, ToolName().size(), "qconvert 0.0.0");
  folder.Write("t.json.checkpoint", text);
  size_t first = 0;
  options.progress = [&](size_t done, size_t /*total*/) {
    if (first == 0) first = done;
  };
  WriteCalibrationTable(options);
  EXPECT_EQ(first, 1U) << "began anew";
}

// A conversion for TensorRT by a calibration cache of its own.
ConvertOptions ByCache(const TempDir& folder, const std::string& lines) {
  GraphBuilder b;
  b.Input("x", {"1", "16", "8", "8"}).Output("y");
  b.Random("w", {16, 16, 1, 1}).Random("g", {1024, 16});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Flatten", {"c"}, {"f"});
  b.Add("Gemm", {"f", "g"}, {"y"});
  const LoadedConfig loaded = LoadText(ReadFile(ProjectFolder() / "configs/tensorrt.yaml"));
  ConvertOptions options;
  options.model = folder.Write("model.onnx", SerializeModel(b.model));
  options.table = folder.Write("calib.cache", "TRT-8501-EntropyCalibration2\n" + lines);
  options.output = folder / "out.onnx";
  options.config = loaded.config;
  options.effective_config = loaded.effective;
  return options;
}

TEST(TensorRtCacheTest, ItsStepsBecomeTheScalesOfThePairs) {
  const TempDir folder;
  const ConvertOptions options =
      ByCache(folder, "x: 3d000000\nc: 3d800000\n(Unnamed Layer* 3): 3c010a14\n");
  EXPECT_EQ(Convert(options).integer_nodes, 2);
  const std::string info = ReadFile(QuantInfoPath(options.output));
  EXPECT_THAT(info, testing::HasSubstr("\"scale\":0.03125"));
  EXPECT_THAT(info, testing::HasSubstr("\"scale\":0.0625")) << "f has the numbers of c";
}

TEST(TensorRtCacheTest, AValueThatItDoesNotHaveIsNamed) {
  const TempDir folder;
  EXPECT_THAT([&] { Convert(ByCache(folder, "x: 3d000000\n")); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("has no value \"c\"")));
}

}  // namespace
}  // namespace qconvert

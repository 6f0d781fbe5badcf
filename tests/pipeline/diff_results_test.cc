#include "qconvert/pipeline/diff_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

class DiffResultsTest : public testing::Test {
 protected:
  DiffResultsTest() {
    GraphBuilder b;
    b.Input("x", {"1", "4", "4", "4"}).Random("w", {4, 4, 1, 1}, 0.5F).Output("y");
    b.Add("Conv", {"x", "w"}, {"y"}).name = "/conv";
    model_ = dir_.Write("m.onnx", SerializeModel(b.model));
    WriteData("plain", 1);
    WriteData("loud", 10);
  }
  // Samples of the same pixels in other places: whichever are kept out, the ranges are the same.
  void WriteData(const std::string& name, float gain) const {
    std::vector<float> values = RandomFloats(64, 1, gain);
    for (uint32_t k = 0; k < 5; ++k) {
      dir_.Write(fmt::format("{}/{}.npy", name, k), NpyFloats({1, 4, 4, 4}, values));
      for (auto plane = values.begin(); plane != values.end(); plane += 16)
        std::rotate(plane, plane + 1, plane + 16);
    }
  }
  std::filesystem::path Make(const std::string& data) const {
    ConvertOptions options;
    options.model = model_;
    options.calibration_folder = dir_ / data;
    options.output = dir_ / (data + ".onnx");
    options.config.scheme = Scheme::kStatic;
    Convert(options);
    return options.output;
  }
  const TempDir dir_;
  std::filesystem::path model_;
};

TEST_F(DiffResultsTest, OtherSamplesMoveTheScales) {
  const auto plain = Make("plain");
  const auto loud = Make("loud");
  const PlanDifference seen = DiffResults({.a = plain, .b = loud});
  EXPECT_EQ(seen.moved.size(), 2U) << "input and output";
  for (const auto& moved : seen.moved) EXPECT_NEAR(std::exp2(moved.change), 10, 0.01);
  EXPECT_TRUE(seen.clipped.empty());
  EXPECT_EQ(DiffResults({.a = loud, .b = plain}).clipped.size(), 2U);
  EXPECT_TRUE(DiffResults({.a = plain, .b = QuantInfoPath(plain)}).is_equal());
}

TEST_F(DiffResultsTest, FreshSamplesClip) {
  const auto plain = Make("plain");
  DiffResultsOptions options{.a = plain, .model = model_};
  options.data.folder = dir_ / "plain";
  EXPECT_TRUE(DiffResults(options).is_equal());
  options.data.folder = dir_ / "loud";
  const PlanDifference seen = DiffResults(options);
  ASSERT_EQ(seen.clipped.size(), 2U);
  EXPECT_GT(seen.clipped[0].values.value(), 0.3);
  options.data.workers = 3;
  EXPECT_EQ(PlanDifferenceJson(DiffResults(options), "success"),
            PlanDifferenceJson(seen, "success"));
}

TEST_F(DiffResultsTest, WhatDoesNotFitIsRefused) {
  const auto plain = Make("plain");
  const auto failure = [](const DiffResultsOptions& options) -> std::string {
    try {
      DiffResults(options);
    } catch (const Error& e) {
      return e.what();
    }
    return "nothing thrown";
  };
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Output("y");
  b.Add("Relu", {"x"}, {"y"});
  const auto other = dir_.Write("other.onnx", SerializeModel(b.model));
  DiffResultsOptions options{.a = plain, .model = other};
  options.data.folder = dir_ / "plain";
  EXPECT_THAT(failure(options), HasSubstr("is of another model"));
  EXPECT_THAT(failure({.a = plain, .b = model_}), HasSubstr("m_quant_info.json"));
  EXPECT_THAT(failure({.a = dir_.Write("broken.json", "{"), .b = plain}), HasSubstr("broken.json"));
}

}  // namespace
}  // namespace qconvert

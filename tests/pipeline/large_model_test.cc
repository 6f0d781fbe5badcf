// What a conversion takes of memory where the weights are most of it.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "qconvert/exporter/onnx_exporter.h"
#include "support/conversion_job.h"
#include "support/npy.h"
#include "support/peak_bytes.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr int64_t kSide = 8256;
constexpr int64_t kWeightBytes = kSide * kSide * 4;

// A matrix of more than kLargeWeights, in a file beside the model or not.
ConvertOptions PrepareLarge(const TempDir& folder, bool external) {
  GraphBuilder b;
  b.Input("x", {"1", std::to_string(kSide)}).Output("y");
  b.Add("MatMul", {"x", "w"}, {"y"});
  Model& model = b.model;
  Tensor& weight = model.graph.initializers["w"];
  weight.name = "w";
  weight.type = DataType::kFloat;
  weight.dims = {kSide, kSide};
  std::string bytes(static_cast<size_t>(kWeightBytes), '\0');
  for (int64_t i = 0; i < kSide * kSide; ++i) {
    const float value = static_cast<float>(i * 7919 % 1009 - 504) / 8192;
    std::memcpy(bytes.data() + i * 4, &value, sizeof(value));
  }
  weight.bytes = std::make_shared<const std::string>(std::move(bytes));
  ConvertOptions options;
  options.model = folder / "m.onnx";
  ExportOnnx(model, options.model, {.external_data = external, .verify = {}});
  for (uint32_t i = 0; i < 2; ++i) {
    folder.Write(fmt::format("calib/{}.npy", i),
                 NpyFloats({1, kSide}, RandomFloats(static_cast<size_t>(kSide), i)));
  }
  options.calibration_folder = folder / "calib";
  options.output = folder / "out.onnx";
  return options;
}

// Floats of codes that are measured, and the weights that they stand for, are as much as the model
// each.
TEST(LargeModelTest, NoTwoCopiesOfItsFloatsAreInMemoryTogether) {
  static_assert(kWeightBytes > kLargeWeights);
  for (const bool external : {false, true}) {
    const TempDir folder;
    ConvertOptions options = PrepareLarge(folder, external);
    options.config.scheme = Scheme::kWeightOnly;
    if (PeakBytes() == 0) GTEST_SKIP() << "this system has no VmHWM";
    const int64_t before = PeakBytes();
    const ConversionReport report = Convert(options);
    EXPECT_EQ(report.stored_weights, 1U);
    EXPECT_GT(report.outputs.at(0).sqnr_db(), 30);
    // The codes are a quarter.
    EXPECT_LT(PeakBytes() - before, kWeightBytes * 7 / 4) << (external ? "beside" : "inside");
  }
}

}  // namespace
}  // namespace qconvert

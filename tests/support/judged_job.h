// Conversions of small models on random samples.
#ifndef QCONVERT_TESTS_SUPPORT_JUDGED_JOB_H_
#define QCONVERT_TESTS_SUPPORT_JUDGED_JOB_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {

class JudgedTest : public testing::Test {
 protected:
  // Converts `b`, whose input x has this shape, on `count` random samples.
  ConversionReport Run(GraphBuilder& b, const std::vector<int64_t>& shape, int count = 16) {
    ExportOnnx(b.model, dir_ / "m.onnx", {});
    options_.model = dir_ / "m.onnx";
    options_.output = dir_ / "q.onnx";
    options_.calibration_folder = WriteSamples("calib", shape, 0, count);
    return Convert(options_);
  }

  std::filesystem::path WriteSamples(const std::string& folder, const std::vector<int64_t>& shape,
                                     int first, int count) {
    int64_t elements = 1;
    for (const int64_t dim : shape) elements *= dim;
    for (int k = first; k < first + count; ++k) {
      dir_.Write(fmt::format("{}/{:03}.npy", folder, k),
                 NpyFloats(shape, RandomFloats(static_cast<size_t>(elements),
                                               static_cast<uint32_t>(k + 1))));
    }
    return dir_ / folder;
  }

  // Activations clipped so hard that nothing is left.
  void Ruin() {
    options_.config.scheme = Scheme::kStatic;
    TensorSettings& activation = options_.config.tensors.activation;
    activation.method = CalibrationMethod::kPercentile;
    activation.percentage = 20;
    options_.guard = GuardMode::kReport;
  }

  std::string FailureOf(GraphBuilder& b, const std::vector<int64_t>& shape) {
    options_.must_pass = true;
    try {
      Run(b, shape);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kNumeric);
      EXPECT_FALSE(std::filesystem::exists(dir_ / "q.onnx"));
      return e.what();
    }
    return "";
  }

  static std::vector<std::string> Names(const ConversionReport& report) {
    std::vector<std::string> names;
    for (const OutputComparison& output : report.outputs) names.push_back(output.value.name);
    return names;
  }

  TempDir dir_;
  ConvertOptions options_;
};

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_JUDGED_JOB_H_

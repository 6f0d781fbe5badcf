// --strip: a model that came quantized is converted, observed and verified as its float form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/verify_model.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class StripTest : public testing::Test {
 protected:
  StripTest() {
    GraphBuilder b;
    b.Input("x", {"1", "4", "4", "4"}).Output("y");
    b.Random("w1", {4, 4, 1, 1}, 0.5F).Random("w2", {4, 4, 1, 1}, 0.5F);
    b.Add("Conv", {"x", "w1"}, {"h"}).name = "/first";
    b.Add("Conv", {"h", "w2"}, {"y"}).name = "/second";
    float_ = dir_.Write("m.onnx", SerializeModel(b.model));
    for (uint32_t k = 0; k < 8; ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 4, 4, 4}, RandomFloats(64, k)));
    Convert(Options(float_, came_, false));
  }
  ConvertOptions Options(const std::filesystem::path& model, const std::filesystem::path& output,
                         bool strip) const {
    ConvertOptions options;
    options.model = model;
    options.output = output;
    options.calibration_folder = dir_ / "data";
    options.config.scheme = Scheme::kStatic;
    options.strip = strip;
    return options;
  }
  static int CountPairs(const std::filesystem::path& file) {
    const std::vector<Node> nodes = LoadOnnx(file).model.graph.nodes;
    return static_cast<int>(std::count_if(nodes.begin(), nodes.end(), [](const Node& node) {
      return node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear";
    }));
  }

  const TempDir dir_;
  std::filesystem::path float_;
  const std::filesystem::path came_ = dir_ / "came_quantized.onnx";
  const std::filesystem::path out_ = dir_ / "again_quantized.onnx";
};

TEST_F(StripTest, IsQuantizedAnewAndVerified) {
  const ConversionReport report = Convert(Options(came_, out_, true));
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_EQ(report.integer_nodes, 2U);
  EXPECT_EQ(CountPairs(out_), CountPairs(came_));
  VerifyOptions verify{.out = out_, .quant_info = {}, .convert = {}, .outputs = {}};
  verify.convert.model = came_;
  verify.convert.strip = true;
  EXPECT_TRUE(VerifyModel(verify).is_equal());
  verify.convert = Options(came_, {}, true);
  EXPECT_TRUE(VerifyModel(verify).is_equal()) << "from the samples";
}

TEST_F(StripTest, FloatOnlyWritesItWithoutPairs) {
  ConvertOptions options = Options(came_, out_, true);
  options.float_only = true;
  Convert(options);
  EXPECT_GT(CountPairs(came_), 0);
  EXPECT_EQ(CountPairs(out_), 0);
}

TEST_F(StripTest, SaysWhenThereIsNothingToTakeOut) {
  EXPECT_THAT(Convert(Options(float_, out_, true)).warnings, Contains(HasSubstr("--strip found")));
}

TEST_F(StripTest, OnePassOverTheSamplesForSeveralModelsSeesItStripped) {
  CalibrateOptions options{.model = came_, .calibration_folder = dir_ / "data", .strip = true};
  options.configs.push_back({Options(came_, out_, true).config, {}, {}});
  const StoredTable seen = MakeCalibrationTable(options);
  ConvertOptions convert = Options(came_, out_, true);
  convert.seen = &seen;
  EXPECT_EQ(Convert(convert).integer_nodes, 2U);
}

}  // namespace
}  // namespace qconvert

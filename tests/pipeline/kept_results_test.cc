// Results of a conversion that are kept from run to run: a model has the same bytes with all, some
// or none of them.
#include "kept_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "qconvert/base/file.h"
#include "support/conversion_job.h"
#include "support/project_folder.h"

namespace qconvert {
namespace {

OutputComparison SomeComparison() {
  OutputComparison output;
  output.type = DataType::kFloat;
  output.sums.count = 5;
  output.sums.dot = 0.1;
  output.sums.max_error = std::numeric_limits<double>::infinity();
  output.sums.error_power = std::numeric_limits<double>::denorm_min();
  output.channels.push_back({2, {1.5F, std::nanf("")}, {-1, 0}, {1e300, 2}, {}});
  output.samples.resize(3);
  output.samples[1] = {1.0 / 3, 2, {.decided = 7, .logit_error = 1e-30}};
  output.float_dims = {1, -2};
  output.equal = std::numeric_limits<int64_t>::max();
  return output;
}

TEST(KeptResultsTest, NumbersReadBackAsThemselves) {
  const std::string text = TextOf(std::vector<OutputComparison>{SomeComparison(), {}});
  std::vector<OutputComparison> outputs;
  ASSERT_TRUE(ReadText(text, outputs));
  EXPECT_EQ(TextOf(outputs), text);
  ASSERT_EQ(outputs.size(), 2U);
  const OutputComparison& one = outputs[0];
  EXPECT_EQ(one.type, DataType::kFloat);
  EXPECT_EQ(one.sums.dot, 0.1);
  EXPECT_TRUE(std::isinf(one.sums.max_error));
  EXPECT_EQ(one.sums.error_power, std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(one.channels.at(0).peak.at(1)));
  EXPECT_EQ(one.samples.at(1).float_power, 1.0 / 3);
  EXPECT_EQ(one.samples.at(1).decisions.logit_error, 1e-30);
  EXPECT_EQ(one.float_dims, (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(one.equal, std::numeric_limits<int64_t>::max());
}

TEST(KeptResultsTest, LayersAndBlocksReadBack) {
  const KeptBlock block{
      {{{-8, 7, 0}, {0.1F, -1e-20F}}, {{1}, {}}}, {{-0.1F, 1e-20F}, {}}, 0.5, 0.25};
  KeptBlock again;
  ASSERT_TRUE(ReadText(TextOf(block), again));
  ASSERT_EQ(again.layers.size(), 2U);
  EXPECT_EQ(again.layers[0].codes, block.layers[0].codes);
  EXPECT_EQ(again.layers[0].shift, block.layers[0].shift);
  EXPECT_TRUE(again.layers[1].shift.empty());
  EXPECT_EQ(again.ranges, block.ranges);
  EXPECT_EQ(again.error_after, 0.25);
}

TEST(KeptResultsTest, CorrectionsScalesAndTablesReadBack) {
  const KeptCorrections corrections{{{3, {{-8, 7}, {}}}, {70, {{}, {0.1F, -1e-20F}}}}};
  KeptCorrections again;
  ASSERT_TRUE(ReadText(TextOf(corrections), again));
  ASSERT_EQ(again.layers.size(), 2U);
  EXPECT_EQ(again.layers[0].node, 3U);
  EXPECT_EQ(again.layers[0].found.codes, corrections.layers[0].found.codes);
  EXPECT_EQ(again.layers[1].found.shift, corrections.layers[1].found.shift);
  KeptScales scales;
  ASSERT_TRUE(ReadText(TextOf(KeptScales{{{5, {0.1F, 3}}}}), scales));
  EXPECT_EQ(scales.layers.at(0).node, 5U);
  EXPECT_EQ(scales.layers.at(0).found, (std::vector<float>{0.1F, 3}));
  CalibrationTable table;
  table.samples = 2;
  CalibrationTable read;
  ASSERT_TRUE(ReadText(TextOf(table), read));
  EXPECT_TRUE(read == table);
  EXPECT_FALSE(ReadText("{}", read));
}

TEST(KeptResultsTest, OtherTextsAreRefused) {
  const std::string text = TextOf(std::vector<OutputComparison>{SomeComparison()});
  std::vector<OutputComparison> outputs;
  for (const std::string& bad :
       {std::string(), text.substr(0, text.size() / 2), text + "7", std::string("words"),
        std::string("99999999999: "), std::string("-1: ")})
    EXPECT_FALSE(ReadText(bad, outputs)) << bad;
  KeptLayer layer;
  EXPECT_FALSE(ReadText("2: 1 \n0: ", layer));
}

// Three convolutions and a Gemm with weights of 4 bits, which learn one by one and as a block.
class KeptRunsTest : public testing::Test {
 protected:
  KeptRunsTest() {
    GraphBuilder b;
    b.Input("x", {"1", "3", "8", "8"}).Output("y");
    b.Random("w0", {8, 3, 1, 1}).Random("w1", {8, 8, 1, 1}).Random("w2", {8, 8, 1, 1});
    b.Random("w3", {4, 8});
    b.Add("Conv", {"x", "w0"}, {"c0"});
    b.Add("Relu", {"c0"}, {"r0"});
    b.Add("Conv", {"r0", "w1"}, {"c1"});
    b.Add("Relu", {"c1"}, {"r1"});
    b.Add("Conv", {"r1", "w2"}, {"c2"});
    b.Add("GlobalAveragePool", {"c2"}, {"g"});
    b.Add("Flatten", {"g"}, {"f"});
    b.Add("Gemm", {"f", "w3"}, {"y"}).Set("transB", int64_t{1});
    options_ = PrepareConversion(folder_, b, {1, 3, 8, 8}, 1, 24);
    options_.guard = GuardMode::kReport;
    options_.config.scheme = Scheme::kStatic;
    options_.config.effort = Effort::kHigh;
    options_.config.tensors.weights.bit_width = 4;
  }

  // What is written, with the results in `cache`; none where that is empty.
  std::string Run(const std::string& cache) {
    options_.cache = cache.empty() ? nullptr : std::make_shared<ResultCache>(folder_ / cache);
    report_ = Convert(options_);
    return ReadFile(options_.output) + ReadFile(folder_ / "out_quant_info.json");
  }

  std::vector<std::filesystem::path> Kept(const std::string& cache) const {
    return ListFolder(folder_ / cache);
  }

  size_t CountOf(const std::string& cache, const std::string& kind) const {
    size_t count = 0;
    for (const auto& file : Kept(cache))
      count += ReadFile(file).starts_with("qconvert result 1 " + kind);
    return count;
  }

  // Layers behind a block that has learned learn once more: the Gemm. A block that has not is none
  // that is tried.
  size_t LearnedAgain() const {
    for (const CorrectionReport& one : report_.corrections)
      if (one.name == "blocks") return one.remark.starts_with("1 of 1 block learned") ? 1 : 0;
    return 0;
  }

  TempDir folder_;
  ConvertOptions options_;
  ConversionReport report_;
};

TEST_F(KeptRunsTest, TheBytesAreTheSameWithAllSomeOrNoneOfThem) {
  const std::string plain = Run("");
  const std::string table = FormatReport(report_).substr(0, FormatReport(report_).find("seconds"));
  EXPECT_EQ(Run("cold"), plain);
  EXPECT_EQ(CountOf("cold", kKeptLayer), 4 + LearnedAgain());
  EXPECT_EQ(CountOf("cold", kKeptBlock), 1U);
  EXPECT_GT(CountOf("cold", kKeptMeasurement), 3U);
  EXPECT_EQ(CountOf("cold", kKeptTable), 1U) << "calibration";
  EXPECT_EQ(CountOf("cold", kKeptScales), 1U);
  EXPECT_GE(CountOf("cold", kKeptCorrections), 2U) << "biases, and rounding by second order";
  const auto all = Kept("cold");
  EXPECT_EQ(Run("cold"), plain) << "all are there";
  EXPECT_EQ(FormatReport(report_).substr(0, table.size()), table);
  EXPECT_EQ(Kept("cold"), all) << "and none is made again";
  for (size_t k = 0; k < all.size(); k += 2) std::filesystem::remove(all[k]);
  EXPECT_EQ(Run("cold"), plain) << "half of them are there";
  EXPECT_EQ(Kept("cold"), all);
  for (size_t k = 0; k < all.size(); k += 3) {
    const std::string bytes = ReadFile(all[k]);
    folder_.Write("cold/" + all[k].filename().string(), bytes.substr(0, bytes.size() / 2));
  }
  EXPECT_EQ(Run("cold"), plain) << "some are cut";
  options_.workers = 1;
  EXPECT_EQ(Run("cold"), plain);
  EXPECT_EQ(Kept("cold"), all) << "threads ask for no others";
}

// What is learned again, behind layers that are there, is what was learned.
TEST(KeptDigitsTest, ALayerIsLearnedAgainAsItWas) {
  const TempDir folder;
  const std::filesystem::path digits = ProjectFolder() / "examples/digits";
  ConvertOptions options;
  options.model = digits / "model.onnx";
  options.calibration_folder = digits / "calib";
  options.output = folder / "out.onnx";
  options.max_samples = 12;
  options.guard = GuardMode::kReport;
  options.config.scheme = Scheme::kStatic;
  options.config.tensors.weights.bit_width = 4;
  options.config.learning = LearningSettings{.iterations = 20};
  options.config.bias_correction = options.config.second_order_rounding = Correction::kOff;
  options.cache = std::make_shared<ResultCache>(folder / "kept");
  Convert(options);
  std::map<std::filesystem::path, std::string> layers;
  for (const auto& file : ListFolder(folder / "kept"))
    if (ReadFile(file).starts_with("qconvert result 1 layer")) layers[file] = ReadFile(file);
  ASSERT_EQ(layers.size(), 8U);
  for (const auto& [file, bytes] : layers) {
    std::filesystem::remove(file);
    Convert(options);
    EXPECT_TRUE(ReadFile(file) == bytes) << file;
  }
}

TEST_F(KeptRunsTest, AnotherSampleSettingOrWeightTakesNothing) {
  Run("cache");
  const size_t before = Kept("cache").size();
  const size_t layers = CountOf("cache", kKeptLayer);
  // The same files under other names and in another folder are the same samples.
  std::filesystem::rename(folder_ / "calib", folder_ / "moved");
  options_.calibration_folder = folder_ / "moved";
  std::filesystem::rename(folder_ / "moved" / "0.npy", folder_ / "moved" / "last.npy");
  Run("cache");
  EXPECT_EQ(Kept("cache").size(), before);

  options_.config.tensors.weights.bit_width = 5;
  EXPECT_EQ(Run("cache"), Run(""));
  const size_t other = CountOf("cache", kKeptLayer);
  EXPECT_EQ(other, layers + 4 + LearnedAgain()) << "another setting";
  options_.config.tensors.weights.bit_width = 4;

  folder_.Write("moved/last.npy", NpyFloats({1, 3, 8, 8}, RandomFloats(3 * 8 * 8, 77, 1)));
  EXPECT_EQ(Run("cache"), Run(""));
  EXPECT_EQ(CountOf("cache", kKeptLayer), other + 4 + LearnedAgain()) << "another sample";
}

}  // namespace
}  // namespace qconvert

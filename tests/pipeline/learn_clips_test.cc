#include "../../src/pipeline/learn_clips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/npy.h"
#include "support/quantize_model.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// Two convolutions; the first hardly reads the last channel, where numbers lie far out.
GraphBuilder Net() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "10", "10"}).Output("y");
  std::vector<float> w0 = RandomFloats(8 * 4 * 9, 1, 0.3F);
  for (size_t k = 0; k < w0.size(); ++k) w0[k] *= k / 9 % 4 == 3 ? 0.01F : 1.0F;
  b.Floats("w0", {8, 4, 3, 3}, w0).Random("w1", {6, 8, 3, 3}, 0.3F);
  b.Add("Conv", {"x", "w0"}, {"c0"}).name = "first";
  b.Add("Relu", {"c0"}, {"r0"});
  b.Add("Conv", {"r0", "w1"}, {"y"}).name = "second";
  return b;
}

Tensor Far(uint32_t seed) {
  std::vector<float> values = RandomFloats(400, seed);
  for (size_t k = 300 + seed; k < values.size(); k += 20) values[k] = 12;
  return MakeFloatTensor("x", {1, 4, 10, 10}, values);
}

std::vector<Sample> SomeSamples() {
  std::vector<Sample> samples;
  for (uint32_t k = 0; k < 6; ++k) samples.push_back({"s", {Far(k)}});
  return samples;
}

std::string BytesOf(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return NpyFloats(tensor.dims, {values.begin(), values.end()});
}

QuantConfig FewBits() {
  QuantConfig config;
  config.scheme = Scheme::kStatic;
  for (const TensorType type : {TensorType::kActivation, TensorType::kInput})
    config.tensors[type].bit_width = 4, config.tensors[type].method = CalibrationMethod::kMaxMin;
  config.bias_correction = config.second_order_rounding = Correction::kOff;
  return config;
}

class LearnClipsTest : public testing::Test {
 protected:
  LearnClipsTest() {
    options_.model = dir_.Write("m.onnx", SerializeModel(Net().model));
    for (uint32_t k = 0; k < 25; ++k) dir_.Write(fmt::format("data/{}.npy", k), BytesOf(Far(k)));
    options_.calibration_folder = dir_ / "data";
    options_.output = dir_ / "q.onnx";
    options_.guard = GuardMode::kReport;
    options_.config = FewBits();
  }
  const TempDir dir_;
  ConvertOptions options_;
};

TEST_F(LearnClipsTest, OutputsAreBetterAndTheFilesSayHow) {
  const ConversionReport plain = Convert(options_);
  options_.config.learned_clipping = Correction::kOn;
  const ConversionReport learned = Convert(options_);
  EXPECT_GT(learned.outputs[0].sqnr_db(), plain.outputs[0].sqnr_db() + 1);
  ASSERT_EQ(learned.corrections.size(), 2U);
  EXPECT_EQ(learned.corrections[1].name, "clipping in blocks");
  EXPECT_EQ(learned.corrections[0].name, "clipping");
  EXPECT_TRUE(learned.corrections[0].kept);
  EXPECT_LT(learned.corrections[0].noise_after, learned.corrections[0].noise_before);
  const std::string info = Slurp(QuantInfoPath(options_.output));
  EXPECT_THAT(info, testing::HasSubstr("\"method\":\"learned\""));
}

TEST_F(LearnClipsTest, ThePlanFileMakesTheSameBytesAgain) {
  options_.config.learned_clipping = Correction::kOn;
  Convert(options_);
  const std::string bytes = Slurp(options_.output);
  const PlanFile plan = ReadPlanFile(QuantInfoPath(options_.output));
  options_.plan = &plan;
  options_.config = plan.config;
  options_.effective_config = plan.effective;
  options_.output = dir_ / "again.onnx";
  Convert(options_);
  EXPECT_EQ(Slurp(options_.output), bytes);
}

TEST_F(LearnClipsTest, ThreadsAndTheOrderOfFilesChangeNoByte) {
  options_.config.learned_clipping = Correction::kOn;
  options_.workers = 1;
  Convert(options_);
  const std::string bytes = Slurp(options_.output);
  std::filesystem::rename(dir_ / "data/0.npy", dir_ / "data/99.npy");
  options_.workers = 3;
  Convert(options_);
  EXPECT_EQ(Slurp(options_.output), bytes);
}

TEST_F(LearnClipsTest, WhereItHelpsNothingItIsLeftOut) {
  options_.config.learned_clipping = Correction::kAuto;
  options_.config.tensors = NodeSettings(QuantConfig().tensors);  // 8 bits reach the goal
  for (uint32_t k = 0; k < 25; ++k)
    dir_.Write(fmt::format("data/{}.npy", k), BytesOf(RandomTensor("x", {1, 4, 10, 10}, k)));
  EXPECT_THAT(Convert(options_).corrections, testing::IsEmpty());
}

TEST(LearnClips, ValuesWithoutAReaderWithWeightsKeepTheirRange) {
  GraphBuilder b = Net();
  b.Input("z", {"1", "6", "6", "6"});
  b.model.graph.outputs.clear();
  b.Output("s");
  b.Add("Relu", {"z"}, {"rz"});
  b.Add("Relu", {"y"}, {"ry"});
  b.Add("Add", {"ry", "rz"}, {"s"});
  std::vector<Sample> samples = SomeSamples();
  std::vector<std::vector<Tensor>> inputs;
  for (Sample& sample : samples) {
    sample.inputs.push_back(RandomTensor("z", {1, 6, 6, 6}, 3));
    inputs.push_back(sample.inputs);
  }
  const QuantizedModel quantized = QuantizeModel(b.model, inputs, FewBits());
  const auto learned = LearnClips(quantized.float_model, quantized.plan, samples, 2, "m");
  EXPECT_TRUE(learned.contains("x"));
  EXPECT_FALSE(learned.contains("ry"));
  EXPECT_FALSE(learned.contains("rz"));
  EXPECT_FALSE(learned.contains("s"));
}

}  // namespace
}  // namespace qconvert

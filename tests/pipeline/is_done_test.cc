#include "qconvert/pipeline/is_done.h"

#include <gtest/gtest.h>

#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

Model Net(const std::string& node, int64_t channels = 4) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"}).Random("w", {channels, 4, 1, 1}, 0.5F).Output("y");
  b.Add("Conv", {"x", "w"}, {"y"}).name = node;
  return b.model;
}

class IsDoneTest : public testing::Test {
 protected:
  IsDoneTest() {
    options_.model = dir_.Write("m.onnx", SerializeModel(Net("/conv")));
    for (uint32_t k = 0; k < 5; ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 4, 4, 4}, RandomFloats(64, k)));
    options_.calibration_folder = dir_ / "data";
    options_.output = dir_ / "q.onnx";
    options_.config_sha256 = std::string(64, 'a');
    EXPECT_FALSE(IsDone(options_)) << "nothing is there";
    Convert(options_);
  }
  const TempDir dir_;
  ConvertOptions options_;
};

TEST_F(IsDoneTest, WithTheSameInputs) {
  EXPECT_TRUE(IsDone(options_));
  options_.workers = 3;
  options_.memory_limit = int64_t{1} << 40;
  EXPECT_TRUE(IsDone(options_)) << "what changes no byte does not count";
}

TEST_F(IsDoneTest, NotWithoutThePageThatIsAskedFor) {
  options_.page = dir_ / "page.html";
  EXPECT_FALSE(IsDone(options_));
  Convert(options_);
  EXPECT_TRUE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithoutThePictureThatIsAskedFor) {
  options_.first_picture = dir_ / "first.png";
  EXPECT_FALSE(IsDone(options_));
  dir_.Write("first.png", "of an earlier run");
  EXPECT_TRUE(IsDone(options_));
}

TEST_F(IsDoneTest, InitializersMayBeDeclaredAsInputs) {
  Model old = Net("/conv");
  old.ir_version = 3;
  old.graph.inputs.push_back({"w", TypeOf(old.graph.initializers.at("w")), {}, {}});
  dir_.Write("m.onnx", SerializeModel(old));
  EXPECT_FALSE(IsDone(options_)) << "made of another file";
  Convert(options_);
  EXPECT_TRUE(IsDone(options_));
  dir_.Write("data/0.npy", NpyFloats({1, 4, 4, 4}, RandomFloats(64, 99)));
  EXPECT_FALSE(IsDone(options_)) << "made of other samples";
}

TEST_F(IsDoneTest, NotWithAnotherModel) {
  dir_.Write("m.onnx", SerializeModel(Net("/other")));
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithOtherSettings) {
  options_.config_sha256 = std::string(64, 'b');
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithOtherSamples) {
  std::filesystem::rename(dir_ / "data" / "0.npy", dir_ / "data" / "9.npy");
  EXPECT_TRUE(IsDone(options_)) << "names do not count";
  dir_.Write("data/9.npy", NpyFloats({1, 4, 4, 4}, RandomFloats(64, 77)));
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithWhatNoReceiptKnows) {
  options_.config.processor = Processor::kHost;
  EXPECT_FALSE(IsDone(options_));
  options_.config.processor = Processor::kAny;
  EXPECT_TRUE(IsDone(options_));
  options_.validation_folder = dir_ / "data";
  EXPECT_FALSE(IsDone(options_));
  options_.validation_folder.clear();
  options_.table = dir_ / "table.json";
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithWhatAConversionAloneCanTell) {
  options_.strict_fusion = true;
  EXPECT_FALSE(IsDone(options_)) << "it may end by that";
  options_.strict_fusion = false;
  options_.strict_data = true;
  EXPECT_FALSE(IsDone(options_)) << "it may end by that";
  options_.strict_data = false;
  options_.against = options_.output;
  EXPECT_FALSE(IsDone(options_)) << "the page may be of another comparison";
  options_.against.clear();
  options_.passes.dump_folder = dir_ / "passes";
  EXPECT_FALSE(IsDone(options_)) << "nothing is there";
  options_.passes.dump_folder.clear();
  EXPECT_TRUE(IsDone(options_));
}

TEST_F(IsDoneTest, OutputsThatMustPassHavePassed) {
  options_.must_pass = true;
  EXPECT_TRUE(IsDone(options_));
  options_.must_pass = false;
  options_.config.scheme = Scheme::kStatic;
  options_.guard = GuardMode::kReport;
  options_.gate = Gate::Of(150.0, {});
  EXPECT_FALSE(Convert(options_).guard.passed);
  EXPECT_TRUE(IsDone(options_));
  options_.must_pass = true;
  EXPECT_FALSE(IsDone(options_)) << "the outputs failed";
  options_.guard = GuardMode::kOff;
  options_.must_pass = false;
  Convert(options_);
  options_.must_pass = true;
  EXPECT_FALSE(IsDone(options_)) << "nothing was compared";
}

TEST_F(IsDoneTest, WeightsAreWhereTheyAreAskedFor) {
  dir_.Write("m.onnx", SerializeModel(Net("/conv", 400)));  // smaller weights stay in the model
  Convert(options_);
  EXPECT_TRUE(IsDone(options_));
  options_.external_data = true;
  EXPECT_FALSE(IsDone(options_));
  Convert(options_);
  EXPECT_TRUE(IsDone(options_));
  options_.external_data = false;
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWithOtherBytesInTheDataFile) {
  dir_.Write("m.onnx", SerializeModel(Net("/conv", 400)));
  options_.external_data = true;
  Convert(options_);
  ASSERT_TRUE(IsDone(options_));
  for (const auto& entry : ListFolder(dir_.path())) {
    if (entry.extension() != ".data") continue;
    std::string bytes = Slurp(entry);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    dir_.Write(entry.filename().string(), bytes);
  }
  EXPECT_FALSE(IsDone(options_)) << "its name is the hash of other bytes";
}

TEST_F(IsDoneTest, NotWithoutTheModelsBetween) {
  options_.write_stages = true;
  EXPECT_FALSE(IsDone(options_));
  Convert(options_);
  EXPECT_TRUE(IsDone(options_));
  std::filesystem::remove(dir_ / "q_ptq_model.onnx");
  EXPECT_FALSE(IsDone(options_));
  options_.write_stages = false;
  EXPECT_TRUE(IsDone(options_));
}

TEST_F(IsDoneTest, NotWhenTheFilesDoNotBelongTogether) {
  const std::string info = Slurp(QuantInfoPath(options_.output));
  dir_.Write("q_quant_info.json", info + " ");
  EXPECT_FALSE(IsDone(options_));
  dir_.Write("q_quant_info.json", "{");
  EXPECT_FALSE(IsDone(options_));
  dir_.Write("q_quant_info.json", info);
  EXPECT_TRUE(IsDone(options_));
  dir_.Write("q.onnx", Slurp(options_.output).substr(0, 100));
  EXPECT_FALSE(IsDone(options_));
}

TEST_F(IsDoneTest, WhatCannotBeReadIsLeftToTheConversionToTell) {
  std::filesystem::remove_all(dir_ / "data");
  EXPECT_FALSE(IsDone(options_));
}

}  // namespace
}  // namespace qconvert

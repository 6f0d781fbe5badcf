// What quant_info tells of the noise that each node makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/file.h"
#include "support/conversion_job.h"

namespace qconvert {
namespace {

// Conv, Relu, Conv, Add of both, Gemm behind an average.
class OwnNoiseTest : public testing::Test {
 protected:
  OwnNoiseTest() {
    GraphBuilder b;
    b.Input("x", {"1", "3", "8", "8"}).Output("y");
    b.Random("w0", {8, 3, 1, 1}).Random("w1", {8, 8, 1, 1}).Random("w2", {4, 8});
    b.Add("Conv", {"x", "w0"}, {"c0"});
    b.Add("Relu", {"c0"}, {"r0"});
    b.Add("Conv", {"r0", "w1"}, {"c1"});
    b.Add("Add", {"c1", "r0"}, {"a"});
    b.Add("GlobalAveragePool", {"a"}, {"g"});
    b.Add("Flatten", {"g"}, {"f"});
    b.Add("Gemm", {"f", "w2"}, {"y"}).Set("transB", int64_t{1});
    options_ = PrepareConversion(folder_, b, {1, 3, 8, 8}, 1, 24);
    options_.guard = GuardMode::kReport;
    options_.config.scheme = Scheme::kStatic;
  }

  PlanFile Run() {
    Convert(options_);
    return ReadPlanFile(QuantInfoPath(options_.output));
  }

  static const FileNode& NodeOf(const PlanFile& file, const std::string& op_type) {
    for (const FileNode& node : file.nodes)
      if (node.op_type == op_type) return node;
    throw std::runtime_error("no " + op_type);
  }

  TempDir folder_;
  ConvertOptions options_;
};

TEST_F(OwnNoiseTest, EveryIntegerNodeHasThatOfItsWeightsAndOfWhatItReads) {
  const PlanFile wide = Run();
  for (const char* op_type : {"Conv", "Gemm"}) {
    const FileNoise& noise = NodeOf(wide, op_type).noise;
    EXPECT_GT(noise.weights_db.value(), 30) << op_type;
    EXPECT_GT(noise.inputs_db.value(), 30) << op_type;
  }
  EXPECT_FALSE(NodeOf(wide, "Add").noise.weights_db) << "it has none";
  EXPECT_GT(NodeOf(wide, "Add").noise.inputs_db.value(), 30);
  EXPECT_EQ(NodeOf(wide, "Relu").noise, FileNoise()) << "is that of its convolution";
  options_.config.effort = Effort::kNormal;
  options_.config.tensors.weights.bit_width = 4;
  options_.config.bias_correction = options_.config.second_order_rounding = Correction::kOff;
  const PlanFile narrow = Run();
  for (const char* op_type : {"Conv", "Gemm"}) {
    const FileNoise& few = NodeOf(narrow, op_type).noise;
    const FileNoise& many = NodeOf(wide, op_type).noise;
    EXPECT_NEAR(*many.weights_db - *few.weights_db, 24, 6) << op_type << ": four bits less";
    EXPECT_EQ(few.inputs_db, many.inputs_db) << op_type;
  }
}

TEST_F(OwnNoiseTest, ThreadsAndNamesOfSamplesChangeNothing) {
  options_.workers = 1;
  const std::string one = Run().text;
  EXPECT_THAT(one, testing::HasSubstr("\"noise\":{"));
  options_.workers = 3;
  std::filesystem::rename(folder_ / "calib" / "0.npy", folder_ / "calib" / "z.npy");
  EXPECT_EQ(Run().text, one);
}

TEST_F(OwnNoiseTest, AFileThatIsAppliedCarriesItAndAnEditedOneDoesNot) {
  const PlanFile made = Run();
  ConvertOptions again = options_;
  again.calibration_folder.clear();
  again.output = folder_ / "again.onnx";
  again.plan = &made;
  again.config = made.config;
  Convert(again);
  EXPECT_EQ(ReadFile(QuantInfoPath(again.output)), made.text);
  std::string edited = made.text;
  const std::string key = "\"weights_db\":";
  edited.replace(edited.find(key) + key.size(), 1, "9");
  const PlanFile other = ParsePlanFile(edited, folder_ / "edited.json");
  again.plan = &other;
  Convert(again);
  EXPECT_EQ(ReadFile(QuantInfoPath(again.output)), edited) << "a number for people alone";
  std::string computes = made.text;
  const std::string scale = "\"scale\":";
  const size_t values = computes.find("\"values\"");
  computes.insert(computes.find(scale, values) + scale.size(), "1");
  const PlanFile changed = ParsePlanFile(computes, folder_ / "changed.json");
  again.plan = &changed;
  Convert(again);
  EXPECT_THAT(ReadFile(QuantInfoPath(again.output)), Not(testing::HasSubstr("\"noise\":{")));
}

// The engine takes the square of their number to open the model that measures them.
TEST_F(OwnNoiseTest, OfMoreNodesThanTheEngineSortsItIsLeftOut) {
  for (const int nodes : {500, 501}) {
    GraphBuilder b;
    b.Input("v0", {"4", "2"}).Output("y").Floats("w", {2, 2}, {0.8F, 0.6F, -0.6F, 0.8F});
    for (int n = 0; n < nodes; ++n) {
      const std::string to = n + 1 == nodes ? "y" : "v" + std::to_string(n + 1);
      b.Add("MatMul", {"v" + std::to_string(n), "w"}, {to});
    }
    TempDir folder;
    options_ = PrepareConversion(folder, b, {4, 2}, 1, 4);
    options_.guard = GuardMode::kOff;
    options_.config.scheme = Scheme::kStatic;
    options_.config.bias_correction = options_.config.second_order_rounding = Correction::kOff;
    const PlanFile file = Run();
    EXPECT_EQ(NodeOf(file, "MatMul").noise.inputs_db.has_value(), nodes == 500) << nodes;
  }
}

TEST_F(OwnNoiseTest, NothingIsToldWhereNothingIsCompared) {
  options_.guard = GuardMode::kReport;
  options_.config.effort = Effort::kFast;
  EXPECT_THAT(Run().text, Not(testing::HasSubstr("\"noise\""))) << "fast";
}

}  // namespace
}  // namespace qconvert

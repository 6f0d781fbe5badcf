// Operators spelled out, from the float model to the written file.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// x [1, 64, 32] -> LayerNormalization -> MatMul -> GELU in an order that the engine does not know
// -> MatMul -> y
Model FeedForward() {
  GraphBuilder b;
  b.Input("x", {"1", "64", "32"}).Output("y");
  b.Floats("two", {}, {2}).Floats("epsilon", {}, {1e-5F}).Floats("half", {}, {0.5F});
  b.Floats("inverse", {}, {0.70710678F});
  b.Random("scale", {32}).Random("shift", {32}).Random("w", {32, 64}, 0.2F).Random("b", {64});
  b.Random("v", {64, 32}, 0.1F).Random("c", {32});
  const std::vector<int64_t> last = {-1};
  b.Add("ReduceMean", {"x"}, {"mean"}).Set("axes", last);
  b.Add("Sub", {"x", "mean"}, {"d"});
  b.Add("Pow", {"d", "two"}, {"square"});
  b.Add("ReduceMean", {"square"}, {"variance"}).Set("axes", last);
  b.Add("Add", {"variance", "epsilon"}, {"sum"});
  b.Add("Sqrt", {"sum"}, {"root"});
  b.Add("Div", {"d", "root"}, {"n"});
  b.Add("Mul", {"n", "scale"}, {"ns"});
  b.Add("Add", {"ns", "shift"}, {"norm"});
  b.Add("MatMul", {"norm", "w"}, {"m"});
  b.Add("Add", {"m", "b"}, {"h"});
  b.Add("Mul", {"h", "inverse"}, {"u"});
  b.Add("Erf", {"u"}, {"e"});
  b.Add("Mul", {"e", "half"}, {"e2"});
  b.Add("Add", {"e2", "half"}, {"g"});
  b.Add("Mul", {"g", "h"}, {"a"});
  b.Add("MatMul", {"a", "v"}, {"o"});
  b.Add("Add", {"o", "c"}, {"y"});
  return b.model;
}

class UnitsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("m.onnx", SerializeModel(FeedForward()));
    for (uint32_t i = 0; i < 8; ++i) {
      const Tensor x = RandomTensor("x", {1, 64, 32}, i);
      folder_.Write("calib/" + std::to_string(i) + ".npy", NpyFloats(x.dims, x.values<float>()));
    }
  }

  ConversionReport ConvertFor(TargetDevice target) {
    ConvertOptions options;
    options.model = folder_ / "m.onnx";
    options.calibration_folder = folder_ / "calib";
    options.output = folder_ / "out.onnx";
    options.config.scheme = Scheme::kStatic;
    options.config.target_device = target;
    return Convert(options);
  }

  TempDir folder_;
};

// One channel of the normalization is far larger than the others.
TEST_F(UnitsTest, WhatTheirProductsReadIsEvenedOutWhereThatIsAsked) {
  Model model = FeedForward();
  Tensor& scale = model.graph.initializers.at("scale");
  std::vector<float> factors = ToFloats(scale);
  factors[3] = 80;
  scale = MakeFloatTensor("scale", {32}, factors);
  std::map<Correction, double> sqnr_db;
  for (const Correction equalization : {Correction::kOff, Correction::kOn}) {
    folder_.Write("m.onnx", SerializeModel(model));
    ConvertOptions options;
    options.model = folder_ / "m.onnx";
    options.calibration_folder = folder_ / "calib";
    options.output = folder_ / "out.onnx";
    options.guard = GuardMode::kReport;
    options.config.scheme = Scheme::kStatic;
    options.config.bias_correction = Correction::kOff;
    options.config.equalization = equalization;
    sqnr_db[equalization] = Convert(options).outputs[0].sqnr_db();
    const std::string info = Slurp(folder_ / "out_quant_info.json");
    EXPECT_EQ(info.find("spread_values") != std::string::npos, equalization == Correction::kOn);
  }
  EXPECT_GT(sqnr_db[Correction::kOn], sqnr_db[Correction::kOff] + 3);
}

TEST_F(UnitsTest, ThePassesThatWriteForAnEngineAreShown) {
  ConvertOptions options;
  options.model = folder_ / "m.onnx";
  options.calibration_folder = folder_ / "calib";
  options.output = folder_ / "out.onnx";
  options.passes.dump_folder = folder_ / "passes";
  options.config =
      LoadText(
          "target_device: GPU\nquantizable_data_type: [input, weights, activation]\nmethod: "
          "maxmin\nround_mode: half_even\nscale_type: float\ncalib_statistic_method: "
          "all\nfloat_type: float16\n")
          .config;
  options.config.scheme = Scheme::kStatic;
  Convert(options);
  for (const char* pass : {"quantize/00_apply_plan", "types/00_type_half_regions"}) {
    for (const char* when : {".before.txt", ".after.txt"})
      EXPECT_TRUE(exists(folder_ / ("passes/" + std::string(pass) + when))) << pass << when;
  }
}

TEST_F(UnitsTest, AreKeptWholeAndWrittenForTheEngine) {
  const ConversionReport report = ConvertFor(TargetDevice::kCpu);
  EXPECT_GT(report.outputs[0].cosine(), 0.999);
  EXPECT_EQ(report.integer_nodes, 2U) << "the matrix products";
  auto operators = OptimizedOperators(LoadOnnx(folder_ / "out.onnx").model);
  EXPECT_EQ(operators["Gelu"], 1);
  EXPECT_EQ(operators["LayerNormalization"] + operators["SimplifiedLayerNormalization"], 0);
  EXPECT_EQ(operators["QuantizeLinear"], 2) << "one in front of each product, none in a unit";
}

TEST_F(UnitsTest, StayAsTheyWereForOtherTargets) {
  ConvertFor(TargetDevice::kGpu);
  const Graph graph = LoadOnnx(folder_ / "out.onnx").model.graph;
  EXPECT_TRUE(std::any_of(graph.nodes.begin(), graph.nodes.end(),
                          [](const Node& node) { return node.Is("Pow"); }));
}

}  // namespace
}  // namespace qconvert

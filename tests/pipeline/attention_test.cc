// What must not be cut by a Q inside: masks of attention, group normalization.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// Values that a QuantizeLinear of the written file reads.
std::set<std::string> OnGrids(const Graph& graph) {
  std::set<std::string> values;
  for (const Node& node : graph.nodes)
    if (node.Is("QuantizeLinear")) values.insert(node.inputs[0]);
  return values;
}

ConversionReport ConvertStatic(const TempDir& folder, const Model& model) {
  folder.Write("m.onnx", SerializeModel(model));
  ConvertOptions options;
  options.model = folder / "m.onnx";
  options.calibration_folder = folder / "calib";
  options.output = folder / "out.onnx";
  options.config.scheme = Scheme::kStatic;
  options.guard = GuardMode::kReport;
  return Convert(options);
}

// x [1, 8, 64], keep [1, 1, 1, 8] of 0 and 1 -> four heads of 16 -> residual sum ->
// LayerNormalization -> y
Model Attention(float mask) {
  GraphBuilder b(17);
  b.Input("x", {"1", "8", "64"}).Input("keep", {"1", "1", "1", "8"}).Output("y");
  b.Ints("heads", {4}, {0, 0, 4, 16}).Ints("joined", {3}, {0, 0, 64});
  b.Floats("one", {}, {1}).Floats("zero", {}, {0}).Floats("mask", {}, {mask});
  b.Floats("root", {}, {4}).Random("gamma", {64}).Random("beta", {64});
  const auto project = [&](const std::string& from, const std::string& to) {
    b.Random("w_" + to, {64, 64}, 0.2F).Random("b_" + to, {64}, 0.1F);
    b.Add("MatMul", {from, "w_" + to}, {"m_" + to});
    b.Add("Add", {"m_" + to, "b_" + to}, {to});
  };
  for (const std::string to : {"q", "k", "v"}) {
    project("x", to);
    b.Add("Reshape", {to, "heads"}, {"h_" + to});
    b.Add("Transpose", {"h_" + to}, {"t_" + to})
        .Set("perm",
             to == "k" ? std::vector<int64_t>{0, 2, 3, 1} : std::vector<int64_t>{0, 2, 1, 3});
  }
  b.Add("MatMul", {"t_q", "t_k"}, {"products"});
  b.Add("Div", {"products", "root"}, {"scores"});
  if (std::isinf(mask)) {
    b.Add("Equal", {"keep", "zero"}, {"is_masked"});
    b.Add("Where", {"is_masked", "mask", "zero"}, {"bias"});
  } else {
    b.Add("Sub", {"one", "keep"}, {"masked_ones"});
    b.Add("Mul", {"masked_ones", "mask"}, {"bias"});
  }
  b.Add("Add", {"scores", "bias"}, {"masked"});
  b.Add("Softmax", {"masked"}, {"shares"}).Set("axis", int64_t{-1});
  b.Add("MatMul", {"shares", "t_v"}, {"heads_out"});
  b.Add("Transpose", {"heads_out"}, {"t_out"}).Set("perm", std::vector<int64_t>{0, 2, 1, 3});
  b.Add("Reshape", {"t_out", "joined"}, {"joined_out"});
  project("joined_out", "o");
  b.Add("Add", {"x", "o"}, {"sum"});
  b.Add("LayerNormalization", {"sum", "gamma", "beta"}, {"y"});
  return b.model;
}

TEST(AttentionTest, NoMaskIsOnAGridAndTheEngineFusesWhatItDidInFloat) {
  for (const float mask :
       {-std::numeric_limits<float>::infinity(), -1e4F, std::numeric_limits<float>::lowest()}) {
    const TempDir folder;
    const Model model = Attention(mask);
    for (uint32_t i = 0; i < 8; ++i) {
      const std::string name = std::to_string(i) + ".npy";
      const Tensor x = RandomTensor("x", {1, 8, 64}, i);
      std::vector<float> keep(8, 1);
      for (size_t k = 4 + i / 2; k < 8; ++k) keep[k] = 0;
      folder.Write("calib/x/" + name, NpyFloats(x.dims, x.values<float>()));
      folder.Write("calib/keep/" + name, NpyFloats({1, 1, 1, 8}, keep));
    }
    const ConversionReport report = ConvertStatic(folder, model);
    EXPECT_GT(report.integer_nodes, 0U) << mask;
    EXPECT_GT(report.outputs[0].cosine(), 0.99) << mask;
    EXPECT_EQ(report.outputs[0].non_finite, 0) << mask;
    const Model written = LoadOnnx(folder / "out.onnx").model;
    for (const std::string& value : OnGrids(written.graph)) {
      EXPECT_NE(value, "bias") << mask;
      EXPECT_NE(value, "masked") << mask;
      EXPECT_NE(value, "masked_ones") << mask;
    }
    auto before = OptimizedOperators(model);
    auto after = OptimizedOperators(written);
    EXPECT_EQ(after["SkipLayerNormalization"], before["SkipLayerNormalization"]) << mask;
    EXPECT_EQ(after["Softmax"] + after["Attention"], before["Softmax"] + before["Attention"]);
  }
}

// x [1, 8, 16, 16] -> Conv -> four groups normalized -> Relu -> Conv -> y
Model GroupNorm(bool is_operator) {
  GraphBuilder b(is_operator ? 21 : 17);
  b.Input("x", {"1", "8", "16", "16"}).Output("y");
  b.Random("w", {32, 8, 3, 3}, 0.2F).Random("v", {32, 32, 3, 3}, 0.1F);
  b.Add("Conv", {"x", "w"}, {"c"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  if (is_operator) {
    b.Random("gamma", {32}).Random("beta", {32});
    b.Add("GroupNormalization", {"c", "gamma", "beta"}, {"n"}).Set("num_groups", int64_t{4});
  } else {
    b.Ints("groups", {3}, {0, 4, -1}).Ints("back", {4}, {1, 32, 16, 16});
    b.Floats("ones", {4}, {1, 1, 1, 1}).Floats("zeros", {4}, {0, 0, 0, 0});
    b.Random("gamma", {32, 1, 1}).Random("beta", {32, 1, 1});
    b.Add("Reshape", {"c", "groups"}, {"r"});
    b.Add("InstanceNormalization", {"r", "ones", "zeros"}, {"i"});
    b.Add("Reshape", {"i", "back"}, {"j"});
    b.Add("Mul", {"j", "gamma"}, {"s"});
    b.Add("Add", {"s", "beta"}, {"n"});
  }
  b.Add("Relu", {"n"}, {"a"});
  b.Add("Conv", {"a", "v"}, {"y"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  return b.model;
}

TEST(GroupNormTest, IsNeverCutByAQ) {
  for (const bool is_operator : {false, true}) {
    const TempDir folder;
    for (uint32_t i = 0; i < 8; ++i) {
      const Tensor x = RandomTensor("x", {1, 8, 16, 16}, i);
      folder.Write("calib/" + std::to_string(i) + ".npy", NpyFloats(x.dims, x.values<float>()));
    }
    const ConversionReport report = ConvertStatic(folder, GroupNorm(is_operator));
    EXPECT_GE(report.integer_nodes, 2U) << is_operator;
    EXPECT_GT(report.outputs[0].cosine(), 0.99) << is_operator;
    for (const std::string& value : OnGrids(LoadOnnx(folder / "out.onnx").model.graph))
      for (const std::string inside : {"r", "i", "j", "s"}) EXPECT_NE(value, inside) << is_operator;
  }
}

}  // namespace
}  // namespace qconvert

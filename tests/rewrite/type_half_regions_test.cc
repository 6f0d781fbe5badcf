// float16 as types: where casts are left, what stays float32, and the numbers.
#include "qconvert/rewrite/type_half_regions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "qconvert/base/signals.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/rewrite/round_values.h"
#include "support/npy.h"
#include "support/quantize_model.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

constexpr auto kHalf = DataType::kFloat16;

size_t Count(const Graph& graph, const std::string& type) {
  return static_cast<size_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                           [&](const Node& node) { return node.Is(type); }));
}

// The element type of what a node of `op_type` writes.
DataType TypeOf(Model model, const std::string& op_type) {
  InferTypes(model, "test model");
  for (const Node& node : model.graph.nodes)
    if (node.Is(op_type)) return model.graph.value_info.at(node.outputs[0]).type.element;
  return DataType::kUndefined;
}

// A weight that is stored as float16.
void Half(GraphBuilder& b, const std::string& name, std::vector<int64_t> dims) {
  b.Random(name + "_f", dims, 0.5F);
  Tensor half = Narrowed(b.model.graph.initializers.at(name + "_f"), kHalf);
  half.name = name + "_h";
  b.model.graph.initializers[half.name] = half;
  b.Add("Cast", {half.name}, {name}).Set("to", static_cast<int64_t>(DataType::kFloat));
}

// x -> Gemm -> Relu -> Gemm -> y, all of it rounded but what `float32` names.
Model Chain(const std::set<std::string>& float32 = {}) {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Output("y");
  Half(b, "w", {8, 8});
  Half(b, "v", {8, 8});
  b.Add("Gemm", {"x", "w"}, {"m"});
  b.Add("Relu", {"m"}, {"r"});
  b.Add("Gemm", {"r", "v"}, {"y"});
  std::map<std::string, DataType> types;
  for (const char* value : {"x", "m", "y"})
    if (!float32.contains(value)) types[value] = kHalf;
  RoundValues(b.model.graph, types);
  EXPECT_EQ(SortNodes(b.model.graph), "");
  return b.model;
}

TEST(TypeHalfRegionsTest, CastsAreLeftAtTheBordersAlone) {
  Model model = Chain();
  const Tensor x = RandomTensor("x", {4, 8}, 1);
  const std::vector<float> before = ToFloats(RunModel(model, {x})[0]);
  EXPECT_EQ(Count(model.graph, "Cast"), 8U);
  EXPECT_EQ(TypeHalfRegions(model.graph), 3U);
  EXPECT_EQ(Count(model.graph, "Cast"), 2U) << "one in front, one behind";
  EXPECT_EQ(TypeOf(model, "Gemm"), kHalf);
  EXPECT_EQ(TypeOf(model, "Relu"), kHalf);
  const std::vector<float> after = ToFloats(RunModel(model, {x})[0]);
  for (size_t k = 0; k < after.size(); ++k)
    EXPECT_NEAR(after[k], before[k], 2e-3F * std::max(1.0F, std::fabs(before[k])));  // two steps
}

TEST(TypeHalfRegionsTest, NoPairOfCastsCancels) {
  Model model = Chain();
  TypeHalfRegions(model.graph);
  for (const Node& node : model.graph.nodes) {
    if (!node.Is("Cast")) continue;
    for (const Node& other : model.graph.nodes)
      EXPECT_FALSE(other.Is("Cast") && other.inputs[0] == node.outputs[0]) << node.outputs[0];
  }
}

TEST(TypeHalfRegionsTest, APairWithNothingBetweenGoes) {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Input("z", {"4", "8"}).Output("y").Output("s");
  b.Add("Concat", {"x", "z"}, {"y"}).Set("axis", int64_t{1});
  b.Add("Sigmoid", {"x"}, {"s"});
  b.Add("Neg", {"x"}, {"n"}), b.Add("Abs", {"n"}, {"a"});
  b.Output("a");
  const std::vector<Tensor> feeds = {RandomTensor("x", {4, 8}, 1), RandomTensor("z", {4, 8}, 2)};
  const std::vector<Tensor> before = RunModel(b.model, feeds);
  RoundValues(b.model.graph, {{"x", kHalf}, {"s", kHalf}, {"y", kHalf}, {"n", kHalf}});
  EXPECT_EQ(SortNodes(b.model.graph), "");
  EXPECT_EQ(TypeHalfRegions(b.model.graph), 1U);
  EXPECT_EQ(Count(b.model.graph, "Cast"), 2U) << "around the Sigmoid";
  EXPECT_EQ(TypeOf(b.model, "Sigmoid"), kHalf);
  const std::vector<Tensor> after = RunModel(b.model, feeds);
  EXPECT_EQ(ToFloats(after[0]), ToFloats(before[0])) << "Concat reads z in float32";
  EXPECT_EQ(ToFloats(after[2]), ToFloats(before[2])) << "Neg reads nothing in float16";
}

TEST(TypeHalfRegionsTest, NumbersThatAreMovedAloneStayFloat32) {
  const auto moved = [](bool computes) {
    GraphBuilder b;
    b.Input("x", {"4", "8"}).Output("y").Output("r");
    b.Add("Transpose", {"x"}, {"t"});
    b.Add("Relu", {"t"}, {"r"});
    b.Add(computes ? "Sigmoid" : "Neg", {"t"}, {"y"});
    RoundValues(b.model.graph, {{"x", kHalf}, {"y", kHalf}});
    const size_t typed = TypeHalfRegions(b.model.graph);
    RunModel(b.model, {RandomTensor("x", {4, 8}, 1)});
    return std::pair(typed, Count(b.model.graph, "Cast"));
  };
  EXPECT_EQ(moved(false), std::pair(size_t{0}, size_t{0}));
  EXPECT_EQ(moved(true), std::pair(size_t{3}, size_t{3})) << "what computes has the rest with it";
}

TEST(TypeHalfRegionsTest, WhatIsNotRoundedStaysFloat32) {
  Model model = Chain({"m"});  // as where m overflows
  EXPECT_EQ(TypeHalfRegions(model.graph), 0U) << "m, r and so what reads them are float32";
  EXPECT_EQ(TypeOf(model, "Gemm"), DataType::kFloat);
  Model last = Chain({"y"});
  EXPECT_EQ(TypeHalfRegions(last.graph), 2U);
  EXPECT_EQ(Count(last.graph, "Cast"), 3U) << "of x, of r in front of the last product, of v";
}

// x -> Mul with a constant -> y
Model Scaled(float factor) {
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Output("y").Floats("c", {}, {factor});
  b.Add("Mul", {"x", "c"}, {"y"});
  RoundValues(b.model.graph, {{"x", kHalf}, {"y", kHalf}});
  return b.model;
}

TEST(TypeHalfRegionsTest, ConstantsHaveToBeExact) {
  Model exact = Scaled(0.25F);
  EXPECT_EQ(TypeHalfRegions(exact.graph), 1U);
  const Tensor x = RandomTensor("x", {4, 8}, 1);
  EXPECT_LT(MaxDifference(RunModel(exact, {x})[0], RunModel(Scaled(0.25F), {x})[0]), 1e-3);
  Model rounded = Scaled(0.1F);
  EXPECT_EQ(TypeHalfRegions(rounded.graph), 0U);
  EXPECT_EQ(TypeOf(rounded, "Mul"), DataType::kFloat);
}

// What is measured rounds where the file will.
TEST(TypeHalfRegionsTest, RoundingsThatTheFileHasNotAreNotMeasured) {
  const Tensor x = RandomTensor("x", {4, 8}, 1);
  Model chain = Chain();
  DropLostRoundings(chain.graph);
  EXPECT_EQ(Count(chain.graph, "Cast"), 8U) << "all of them are in the file";
  Model scaled = Scaled(0.1F);
  DropLostRoundings(scaled.graph);
  EXPECT_EQ(Count(scaled.graph, "Cast"), 0U);
  const std::vector<float> plain = ToFloats(x);
  const std::vector<float> found = ToFloats(RunModel(scaled, {x})[0]);
  for (size_t k = 0; k < plain.size(); ++k) EXPECT_EQ(found[k], plain[k] * 0.1F);
}

TEST(TypeHalfRegionsTest, ShapesAndScalesKeepTheirTypes) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("y").Floats("s", {4}, {1, 1, 2, 2});
  b.Add("Resize", {"x", "", "s"}, {"z"});
  b.Add("Slice", {"z", "a", "e", "ax"}, {"l"});
  for (const auto& [name, value] : {std::pair{"a", 0}, {"e", 4}, {"ax", 2}})
    b.model.graph.initializers[name] = MakeInt64Tensor(name, {1}, std::vector<int64_t>{value});
  b.Add("Sigmoid", {"l"}, {"y"});
  RoundValues(b.model.graph, {{"x", kHalf}, {"z", kHalf}, {"y", kHalf}});
  EXPECT_EQ(TypeHalfRegions(b.model.graph), 3U);
  EXPECT_EQ(Count(b.model.graph, "Cast"), 2U);
  RunModel(b.model, {RandomTensor("x", {1, 2, 4, 4}, 1)});
}

TEST(TypeHalfRegionsTest, WhatABodyReadsIsThereInFloat32) {
  Graph body;
  body.nodes.push_back(MakeNode("Neg", {"s"}, {"n"}));
  body.outputs.push_back({"n", FloatType({"4", "8"}), {}, {}});
  GraphBuilder b;
  b.Input("x", {"4", "8"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Sigmoid", {"x"}, {"s"});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(body));
  node.Set("else_branch", Subgraph(body));
  RoundValues(b.model.graph, {{"x", kHalf}, {"s", kHalf}});
  EXPECT_EQ(TypeHalfRegions(b.model.graph), 1U);
  EXPECT_EQ(TypeOf(b.model, "Sigmoid"), kHalf);
  EXPECT_EQ(b.model.graph.nodes.back().op_type, "If");
  EXPECT_EQ(b.model.graph.nodes[b.model.graph.nodes.size() - 2].outputs[0], "s");
}

ConvertOptions HalfOptions(const TempDir& dir, const Model& model,
                           const std::vector<int64_t>& dims) {
  ConvertOptions options;
  options.model = dir.Write("m.onnx", SerializeModel(model));
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  for (uint32_t k = 0; k < 8; ++k)
    dir.Write(fmt::format("data/{}.npy", k), NpyFloats(dims, RandomFloats(count, k)));
  options.calibration_folder = dir / "data";
  options.output = dir / "out.onnx";
  options.config.target_device = TargetDevice::kGpu;
  options.config.scheme = Scheme::kStatic;
  NodeSettings half;
  for (const TensorType type : kTensorTypes) half[type].datatype = Datatype::kFloat16;
  options.config.tensors = half;
  return options;
}

std::string Warnings(const ConversionReport& report) {
  return fmt::format("{}", fmt::join(report.warnings, "\n"));
}

// A constant that float16 does not hold leaves both nodes float32: rounded, Sin would be noise.
TEST(TypeHalfRegionsTest, TheGuardJudgesTheRoundingsOfTheFile) {
  const TempDir dir;
  GraphBuilder b;
  b.Input("x", {"1", "1"}).Output("y");
  std::vector<float> frequencies(3000);
  for (size_t k = 0; k < frequencies.size(); ++k) frequencies[k] = static_cast<float>(k);
  b.Floats("c", {1, 3000}, frequencies).Add("Mul", {"x", "c"}, {"m"});
  b.Add("Sin", {"m"}, {"y"});
  const ConversionReport report = Convert(HalfOptions(dir, b.model, {1, 1}));
  ReleaseSignals();
  EXPECT_TRUE(report.guard.passed);
  EXPECT_GT(report.outputs.at(0).sqnr_db(), 100);
  EXPECT_EQ(Warnings(report).find("fails"), std::string::npos) << Warnings(report);
}

TEST(TypeHalfRegionsTest, OtherNumbersOfTheSameFileAreTold) {
  const TempDir dir;
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"}).Output("y").Output("z");
  b.Add("Sigmoid", {"x"}, {"s"}), b.Add("Tanh", {"x"}, {"t"});
  b.Add("Concat", {"s", "t"}, {"y"}).Set("axis", int64_t{1});
  b.Add("Sigmoid", {"x"}, {"z"});
  const ConvertOptions options = HalfOptions(dir, b.model, {1, 4, 8, 8});
  const std::string warnings = Warnings(Convert(options));
  ReleaseSignals();
  const std::string start = "float16: told is what the engine runs by default; ";
  EXPECT_NE(warnings.find(start), std::string::npos) << warnings;
}

// Integers with float16 around them, as a GPU runs them.
TEST(TypeHalfRegionsTest, AConvertedModelForAGpuIsStronglyTyped) {
  const TempDir dir;
  GraphBuilder b;
  b.Input("x", {"1", "4", "6", "6"}).Output("y");
  b.Random("w", {8, 4, 3, 3}, 0.3F).Random("v", {8, 8, 1, 1}, 0.3F);
  b.Add("Conv", {"x", "w"}, {"c"}).name = "/first";
  b.Add("Sigmoid", {"c"}, {"s"}).name = "/gate";
  b.Add("Mul", {"c", "s"}, {"m"}).name = "/mul";
  b.Add("Conv", {"m", "v"}, {"y"}).name = "/last";
  ConvertOptions options;
  options.model = dir.Write("m.onnx", SerializeModel(b.model));
  for (uint32_t k = 0; k < 8; ++k)
    dir.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 4, 6, 6}, RandomFloats(144, k)));
  options.calibration_folder = dir / "data";
  options.output = dir / "out.onnx";
  options.config.target_device = TargetDevice::kGpu;
  options.config.scheme = Scheme::kStatic;
  options.guard = GuardMode::kOff;
  NodeSettings half;
  for (const TensorType type : kTensorTypes) half[type].datatype = Datatype::kFloat16;
  options.config.tensors = half;
  Convert(options);
  ReleaseSignals();
  const Model typed = LoadOnnx(options.output).model;
  EXPECT_EQ(Count(typed.graph, "Cast"), 2U);
  for (const char* type : {"Conv", "Sigmoid", "Mul"}) EXPECT_EQ(TypeOf(typed, type), kHalf) << type;
  EXPECT_EQ(typed.opset(), 19) << "Q and DQ of float16";
  options.config.onnx_opset_version = 18;
  Convert(options);
  ReleaseSignals();
  EXPECT_EQ(LoadOnnx(options.output).model.opset(), 18) << "as asked";
  options.config.target_device = TargetDevice::kCpu;
  options.output = dir / "cpu.onnx";
  Convert(options);
  ReleaseSignals();
  EXPECT_EQ(TypeOf(LoadOnnx(options.output).model, "Mul"), DataType::kFloat)
      << "the CPU has no such kernels, and would drop the rounding";
}

}  // namespace
}  // namespace qconvert

// What lint says of a quantized model, and what the engine makes of it: node by node.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/signals.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/engine_kernels.h"
#include "qconvert/pipeline/lint_file.h"
#include "support/disagreements.h"
#include "support/lint_net.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Kind = LintedNode::Kind;

std::vector<LintCase> Cases() {
  return {
      {"conv", [](Net& b) { b.Conv(b.Pair("x"), "c"), b.Add("Identity", {b.Pair("c")}, {"y"}); },
       "Conv", ""},
      {"conv of a float", [](Net& b) { b.Conv("x", "c"), b.Add("Abs", {b.Pair("c")}, {"y"}); },
       "Conv", "input"},
      {"conv read in float",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("Abs", {"c"}, {"a"});
         b.Add("Add", {"a", b.Pair("c")}, {"y"});
       },
       "Conv", "output"},
      {"conv with equal pairs for its readers",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("QuantizeLinear", {"c", "s", "z"}, {"again"});
         b.Add("DequantizeLinear", {"again", "s", "z"}, {"again_d"});
         b.Add("Add", {"again_d", b.Pair("c")}, {"t"}), b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Conv", ""},
      {"conv with two grids",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("QuantizeLinear", {"c", "s2", "z"}, {"again"});
         b.Add("DequantizeLinear", {"again", "s2", "z"}, {"again_d"});
         b.Add("Add", {"again_d", b.Pair("c")}, {"t"}), b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Conv", "output"},
      {"conv at the end", [](Net& b) { b.Conv(b.Pair("x"), "y"); }, "Conv", "output"},
      {"conv and relu on codes from 128",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("Relu", {"c"}, {"r"});
         b.Add("Abs", {b.Pair("r")}, {"y"});
       },
       "Conv", "clamp"},
      {"conv and relu on codes from 0",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("Relu", {"c"}, {"r"});
         b.Add("Abs", {b.Pair("r", "s", "z0")}, {"y"});
       },
       "Conv", ""},
      {"conv to another type",
       [](Net& b) {
         b.Conv(b.Pair("x"), "c"), b.Add("Abs", {b.Pair("c", "s", "i")}, {"a"});
         b.Add("Add", {"a", "c_d"}, {"y"});
       },
       "Conv", "type"},
      {"one operand alone",
       [](Net& b) {
         b.Add("Abs", {"x"}, {"a"}), b.Add("Add", {b.Pair("x"), "a"}, {"t"});
         b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Add", "input"},
      {"sum",
       [](Net& b) {
         b.Add("Abs", {"x"}, {"a"}), b.Add("Add", {b.Pair("x"), b.Pair("a", "s2")}, {"t"});
         b.Add("Abs", {b.Pair("t")}, {"y"});
       },
       "Add", ""},
      {"pool with other parameters behind",
       [](Net& b) {
         b.Add("MaxPool", {b.Pair("x")}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
         b.Add("Abs", {b.Pair("p", "s2")}, {"y"});
       },
       "MaxPool", "parameters"},
      {"resized between codes",
       [](Net& b) {
         b.Floats("sizes", {4}, {1, 1, 2, 2});
         b.Add("Resize", {b.Pair("x"), "", "sizes"}, {"p"}).Set("mode", std::string("linear"));
         b.Add("Abs", {b.Pair("p")}, {"y"});
       },
       "Resize", "operator"},
      {"pool",
       [](Net& b) {
         b.Add("MaxPool", {b.Pair("x")}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
         b.Add("Abs", {b.Pair("p")}, {"y"});
       },
       "MaxPool", ""},
      {"a pair moves over a transpose",
       [](Net& b) {
         b.Add("Transpose", {b.Pair("x")}, {"t"}).Set("perm", std::vector<int64_t>{0, 1, 3, 2});
         b.Conv("t", "c"), b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", ""},
      {"float weights are quantized by the engine",
       [](Net& b) {
         b.Random("w", {8, 8, 1, 1}, 0.1F), b.Add("Conv", {b.Pair("x"), "w"}, {"c"});
         b.Add("Abs", {b.Pair("c")}, {"y"});
       },
       "Conv", ""},
      {"product with a float result",
       [](Net& b) {
         b.Add("MatMul", {b.Pair("x"), b.Weight("w", {8, 4})}, {"y"});
       },
       "MatMul", ""},
      {"product of signed codes behind a reshape",
       [](Net& b) {
         b.Ints("shape", {4}, {1, 8, 8, 8}).Add("Abs", {"x"}, {"a"});
         b.Add("Reshape", {"a", "shape"}, {"r"});
         b.Add("MatMul", {b.Pair("r", "s", "i"), b.Weight("w", {8, 4})}, {"m"});
         b.Add("Abs", {b.Pair("m", "s2", "i")}, {"y"});
       },
       "MatMul", ""},
      {"product and clamp",
       [](Net& b) {
         b.Add("MatMul", {b.Pair("x"), b.Weight("w", {8, 4})}, {"m"});
         b.Add("Relu", {"m"}, {"r"}), b.Add("Abs", {"r"}, {"y"});
       },
       "MatMul", "output"},
      {"product and float sum",
       [](Net& b) {
         b.Random("b", {4}), b.Add("MatMul", {b.Pair("x"), b.Weight("w", {8, 4})}, {"m"});
         b.Add("Add", {"m", "b"}, {"y"});
       },
       "MatMul", "input"},
      {"depth to space",
       [](Net& b) {
         b.Add("DepthToSpace", {b.Pair("x")}, {"d"}).Set("blocksize", int64_t{2});
         b.Add("Abs", {b.Pair("d")}, {"y"});
       },
       "DepthToSpace", ""},
      {"padding",
       [](Net& b) {
         b.Ints("p", {8}, {0, 0, 1, 1, 0, 0, 1, 1}), b.Add("Pad", {b.Pair("x"), "p"}, {"d"});
         b.Add("Abs", {b.Pair("d")}, {"y"});
       },
       "Pad", "operator"},
      {"no kernel",
       [](Net& b) { b.Add("Tanh", {b.Pair("x")}, {"t"}), b.Add("Abs", {b.Pair("t")}, {"y"}); },
       "Tanh", "operator"},
  };
}

TEST(LintTest, NamesTheFirstRuleAndTheEngineAgrees) { ExpectRules(Cases()); }

// Codes that a clamp reads stay int8, what the Conv reads does not: no kernel has both.
TEST(LintTest, SignedCodesBecomeUnsignedOnlyStraightInFrontOfTheirDequantizeLinear) {
  Net b;
  b.Integer("top", DataType::kInt8, 100).Output("y");
  b.Conv(b.Pair("x", "s", "i"), "t");
  b.Add("QuantizeLinear", {"t", "s2", "i"}, {"t_q"});
  b.Add("Clip", {"t_q", "i", "top"}, {"c_q"});
  b.Add("DequantizeLinear", {"c_q", "s2", "i"}, {"y"});
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
  EXPECT_EQ(LintModel(b.model, kCpuTarget, "m").CountByType(Kind::kInteger).count("Conv"), 0U);
}

TEST(LintTest, AShapeThatIsKnownReadsNoCodes) {
  Net b;
  b.Output("y");
  const std::string x = b.Pair("x", "s", "i");
  b.Add("GlobalAveragePool", {x}, {"g"});
  b.Add("Shape", {x}, {"dims"});
  b.Add("Expand", {b.Pair("g", "s2", "i"), "dims"}, {"e"});
  b.Add("Abs", {"e"}, {"y"});
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
  const Lint lint = LintModel(b.model, kCpuTarget, "m");
  EXPECT_EQ(lint.CountByType(Kind::kInteger).count("GlobalAveragePool"), 1U);
}

TEST(LintTest, MovementOfCodesOf16BitsIsOnIntegers) {
  Net b;
  b.model.opsets[""] = 21;
  b.Output("y");
  b.model.graph.initializers["z16"] =
      MakeTensor<uint16_t>("z16", DataType::kUint16, {}, std::vector<uint16_t>{1000});
  b.Add("Transpose", {b.Pair("x", "s", "z16")}, {"t"})
      .Set("perm", std::vector<int64_t>{0, 1, 3, 2});
  b.Add("Abs", {b.Pair("t", "s", "z16")}, {"y"});
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
  EXPECT_EQ(LintModel(b.model, kCpuTarget, "m").Count(Kind::kInteger), 1U);
}

TEST(LintTest, ABodySeesParametersAndWeightsOfTheLevelOutside) {
  Graph body;
  body.nodes.push_back(MakeNode("DequantizeLinear", {"x_q", "s", "z"}, {"d"}));
  body.nodes.push_back(MakeNode("Add", {"d", "d"}, {"t"}));
  body.nodes.push_back(MakeNode("QuantizeLinear", {"t", "s2", "z"}, {"t_q"}));
  body.nodes.push_back(MakeNode("DequantizeLinear", {"t_q", "s2", "z"}, {"t_d"}));
  body.nodes.push_back(MakeNode("Mul", {"x", "t_d"}, {"m"}));
  body.outputs.push_back({"m", FloatType({"1", "8", "8", "8"}), {}, {}});
  Net b;
  b.Input("c", {}, DataType::kBool).Output("y");
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"x_q"});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(body));
  for (Node& inside : body.nodes) inside.outputs[0] += "_else";
  for (size_t n = 1; n < body.nodes.size(); ++n)
    for (std::string& input : body.nodes[n].inputs)
      if (input != "s2" && input != "z" && input != "x") input += "_else";
  body.outputs[0].name = "m_else";
  node.Set("else_branch", Subgraph(body));
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
  const Lint lint = LintModel(b.model, kCpuTarget, "m");
  EXPECT_EQ(lint.CountByType(Kind::kInteger), (std::map<std::string, size_t>{{"Add", 2}}));
  for (const LintedNode& one : lint.nodes) {
    if (one.kind != Kind::kFloat) continue;
    EXPECT_EQ(one.op_type, "Mul");
    EXPECT_EQ(one.broken.found, "written on the level outside");
  }
}

TEST(LintTest, SaysWhereWhatAndWhatIsWanted) {
  Net b;
  b.Output("y");
  b.Conv("x", "c").Add("Abs", {b.Pair("c")}, {"y"});
  const Lint lint = LintModel(b.model, kCpuTarget, "m");
  const auto conv = std::find_if(lint.nodes.begin(), lint.nodes.end(),
                                 [](const LintedNode& node) { return node.op_type == "Conv"; });
  ASSERT_NE(conv, lint.nodes.end());
  EXPECT_EQ(conv->name, "c");
  EXPECT_EQ(conv->broken.value, "x");
  EXPECT_EQ(conv->broken.found, "an input of the graph");
  EXPECT_EQ(conv->broken.wanted, "codes through a DequantizeLinear");
  EXPECT_NE(FormatLint(lint).find("rule \"input\""), std::string::npos);
}

TEST(LintTest, QuantizedOperatorsOfOtherToolsAreIntegerAsTheyAre) {
  Net b;
  b.Output("y");
  b.model.opsets["com.microsoft"] = 1;
  b.Add("QuantizeLinear", {"x", "s", "z"}, {"q"});
  Node& add = b.Add("QLinearAdd", {"q", "s", "z", "q", "s", "z", "s2", "z"}, {"t"});
  add.domain = "com.microsoft";
  b.Add("MaxPool", {"t"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("DequantizeLinear", {"p", "s2", "z"}, {"d"});
  b.Add("Tanh", {"d"}, {"y"});
  const Lint lint = LintModel(b.model, kCpuTarget, "m");
  EXPECT_EQ(lint.Count(Kind::kInteger), 2U);
  EXPECT_EQ(lint.Count(Kind::kFloat), 1U);
  size_t judged = 0;
  EXPECT_EQ(Disagreements(b.model, judged), "");
}

TEST(LintTest, TellsAQuantizedModelFromAFloatOne) {
  Net plain;
  plain.Output("y");
  plain.Add("Tanh", {"x"}, {"y"});
  EXPECT_FALSE(LintModel(plain.model, kCpuTarget, "m").holds_codes);
  Net paired;
  paired.Output("y");
  paired.Add("Tanh", {paired.Pair("x")}, {"y"});
  EXPECT_TRUE(LintModel(paired.model, kCpuTarget, "m").holds_codes);
  Net dynamic;
  dynamic.Output("y");
  dynamic.Add("DynamicQuantizeLinear", {"x"}, {"q", "qs", "qz"});
  dynamic.Add("DequantizeLinear", {"q", "qs", "qz"}, {"y"});
  EXPECT_TRUE(LintModel(dynamic.model, kCpuTarget, "m").holds_codes);
}

// A GPU wants symmetric int8 on inputs, and nothing of the CPU's rules.
TEST(LintTest, OtherTargetsHaveRulesOfTheirOwn) {
  const auto rule = [](const Model& model, const Target& target) {
    for (const LintedNode& node : LintModel(model, target, "m").nodes)
      if (node.op_type == "Conv") return node.broken.rule;
    return std::string("no Conv");
  };
  Net unsigned_codes;
  unsigned_codes.Output("y");
  unsigned_codes.Conv(unsigned_codes.Pair("x"), "y");
  EXPECT_EQ(rule(unsigned_codes.model, kGpuTarget), "type");
  EXPECT_EQ(rule(unsigned_codes.model, kDpuTarget), "output");
  Net signed_codes;
  signed_codes.Output("y");
  signed_codes.Conv(signed_codes.Pair("x", "s", "i"), "y");
  EXPECT_EQ(rule(signed_codes.model, kGpuTarget), "");
  Net paired;
  paired.Output("y");
  paired.Conv(paired.Pair("x"), "c").Add("Identity", {paired.Pair("c")}, {"y"});
  EXPECT_EQ(rule(paired.model, kQnnTarget), "");
  EXPECT_EQ(rule(paired.model, kBpuTarget), "");
}

TEST(LintTest, EveryWordOfATargetIsKnown) {
  for (const std::string& word : LintTargets()) EXPECT_NE(FindLintTarget(word), nullptr) << word;
  EXPECT_EQ(FindLintTarget("CPU"), nullptr);
}

// 16-bit codes have no integer kernels: a plan that has them is no surprise to those who look.
TEST(StrictFusionTest, NamesNodesThatRunInFloatAndWritesNothing) {
  const TempDir work;
  ConvertOptions options;
  options.model = ProjectFolder() / "examples/digits/model.onnx";
  options.calibration_folder = ProjectFolder() / "examples/digits/calib";
  options.output = work / "out.onnx";
  options.config.scheme = Scheme::kStatic;
  options.guard = GuardMode::kOff;
  options.strict_fusion = true;
  EXPECT_NO_THROW(Convert(options));
  ReleaseSignals();
  EXPECT_TRUE(std::filesystem::exists(options.output));
  options.output = work / "wide.onnx";
  options.config.tensors.activation.bit_width = options.config.tensors.input.bit_width = 16;
  try {
    Convert(options);
    FAIL() << "16-bit convolutions are computed in float";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kNumeric);
    EXPECT_NE(std::string(error.what()).find("Conv"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(options.output));
  options.config.target_device = TargetDevice::kDpu;
  options.config.tensors = {};
  EXPECT_THROW(Convert(options), Error) << "the engine knows nothing of a DPU";
}

}  // namespace
}  // namespace qconvert

// A model that came partly quantized keeps what it has, and its float nodes join in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "qconvert/loader/onnx_loader.h"
#include "support/plan_job.h"
#include "support/project_folder.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

//   x -> pair -> Conv{codes} -> Relu -> pair -> Conv{floats} -> Relu -> pair -> Conv{codes} -> pair
//        `-> Conv{floats} ------------------------------------------- Add -----------'
//                                                                      `-> Conv{floats} -> y
class Partly : public GraphBuilder {
 public:
  explicit Partly(DataType type) : type_(type) {
    Input("x", {"1", "4", "8", "8"}).Output("y");
    Random("w2", {4, 4, 3, 3}, 0.3F).Random("w5", {4, 4, 3, 3}, 0.3F).Random("side", {4, 4, 3, 3});
    Pair("x", "dx", 0.03F, 128);
    Conv("dx", Codes("w1"), "c1");
    Add("Relu", {"c1"}, {"r1"});
    Pair("r1", "d1", 0.05F, 0);
    Conv("d1", "w2", "c2");
    Add("Relu", {"c2"}, {"r2"});
    Pair("r2", "d2", 0.04F, 0);
    Conv("d2", Codes("w3"), "c3");
    Pair("c3", "d3", 0.06F, 128);
    Conv("x", "side", "c4");
    Add("Add", {"d3", "c4"}, {"sum"});
    Conv("sum", "w5", "y");
  }

 protected:
  void Conv(const std::string& from, const std::string& weight, const std::string& to) {
    Add("Conv", {from, weight}, {to}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  }
  std::string Codes(const std::string& name) {
    std::vector<int8_t> codes;
    for (const float v : RandomFloats(144, static_cast<uint32_t>(name[1]), 30.0F))
      codes.push_back(static_cast<int8_t>(std::clamp(v, -100.0F, 100.0F)));
    model.graph.initializers[name] = MakeTensor<int8_t>(name, DataType::kInt8, {4, 4, 3, 3}, codes);
    Floats("s_" + name, {}, {0.01F});
    Add("DequantizeLinear", {name, "s_" + name}, {name + "_d"});
    return name + "_d";
  }
  void Pair(const std::string& from, const std::string& to, float scale, int zero) {
    if (type_ == DataType::kInt8) zero -= 128;
    Floats("s_" + from, {}, {scale});
    model.graph.initializers["z_" + from] = MakeTensor<uint8_t>(
        "z_" + from, type_, {}, std::vector<uint8_t>{static_cast<uint8_t>(zero)});
    Add("QuantizeLinear", {from, "s_" + from, "z_" + from}, {from + "_codes"});
    Add("DequantizeLinear", {from + "_codes", "s_" + from, "z_" + from}, {to});
  }

 private:
  DataType type_;
};

std::vector<std::vector<Tensor>> Samples() {
  std::vector<std::vector<Tensor>> samples;
  for (uint32_t k = 0; k < 16; ++k) samples.push_back({RandomTensor("x", {1, 4, 8, 8}, k)});
  return samples;
}

class PartlyJob : public PlanJob {
 public:
  explicit PartlyJob(const Model& model) : PlanJob(model, Samples()) {
    options.config.scheme = Scheme::kStatic;
  }
};

Model Load(const std::string& bytes) {
  const TempDir folder;
  return LoadOnnx(folder.Write("m.onnx", bytes)).model;
}

const Node* WriterOf(const Model& model, const std::string& value) {
  for (const Node& node : model.graph.nodes)
    for (const std::string& output : node.outputs)
      if (output == value) return &node;
  return nullptr;
}

// How many Qs and DQs of `came` are in `out` with the same name, type and parameters.
size_t CountKept(const Model& came, const Model& out) {
  size_t kept = 0;
  for (const Node& node : came.graph.nodes) {
    if (!node.op_type.ends_with("quantizeLinear") && node.op_type != "QuantizeLinear") continue;
    const Node* same = WriterOf(out, node.outputs[0]);
    if (same == nullptr || same->op_type != node.op_type) continue;
    kept += std::equal(node.inputs.begin() + 1, node.inputs.end(), same->inputs.begin() + 1,
                       same->inputs.end(), [&](const std::string& a, const std::string& b) {
                         const Tensor* x = came.graph.FindInitializer(a);
                         const Tensor* y = out.graph.FindInitializer(b);
                         return x->type == y->type && *x->bytes == *y->bytes;
                       });
  }
  return kept;
}

double Sqnr(const ConversionReport& report) { return report.outputs.at(0).sqnr_db(); }

TEST(FillGapsTest, FloatNodesBetweenPairsTakeTheirParameters) {
  const Partly b(DataType::kUint8);
  const PartlyJob job(b.model);
  const PlanFiles files = ExpectTheSameAgain(job, "gaps");
  EXPECT_EQ(files.report.integer_nodes, 4U) << "three Conv and the Add";
  EXPECT_GT(Sqnr(files.report), 30);
  const Model out = Load(files.model);
  EXPECT_EQ(CountKept(b.model, out), 10U) << "four pairs and the codes of two weights";
  EXPECT_THAT(OptimizedOperators(out), Contains(Pair("QLinearConv", 5)));
  EXPECT_THAT(OptimizedOperators(out), Contains(Pair("QLinearAdd", 1)));
  EXPECT_THAT(OptimizedOperators(out), Not(Contains(Key("Conv"))));
  EXPECT_EQ(WriterOf(out, "r2_codes")->op_type, "QuantizeLinear");
  // x is quantized once: the new reader takes the codes that are there.
  size_t readers = 0;
  for (const Node& node : out.graph.nodes) readers += node.input(0) == "x" ? 1U : 0U;
  EXPECT_EQ(readers, 1U);
}

TEST(FillGapsTest, ByDefaultToo) {
  PartlyJob job(Partly(DataType::kUint8).model);
  job.options.config.scheme = Scheme::kAuto;
  const PlanFiles files = job.Write();
  EXPECT_THAT(OptimizedOperators(Load(files.model)), Contains(Pair("QLinearConv", testing::Ge(3))))
      << "the one between pairs, where codes come and go for free";
}

// The engine has one type on all sides of a kernel.
TEST(FillGapsTest, NewCodesHaveTheTypeOfThoseThatAreThere) {
  const Partly b(DataType::kInt8);
  const PartlyJob job(b.model);
  const PlanFiles files = ExpectTheSameAgain(job, "signed gaps");
  EXPECT_GT(Sqnr(files.report), 30);
  const Model out = Load(files.model);
  EXPECT_EQ(CountKept(b.model, out), 10U);
  for (const Node& node : out.graph.nodes) {
    if (node.op_type != "QuantizeLinear") continue;
    EXPECT_EQ(out.graph.FindInitializer(node.inputs[2])->type, DataType::kInt8) << node.outputs[0];
  }
}

// int8 codes that two nodes read stay int8 in the engine on x86, where all others become uint8:
// what would read both computes floats, and so does what writes codes that a clamp stands behind.
class Residual : public Partly {
 public:
  Residual() : Partly(DataType::kInt8) {
    model = GraphBuilder().model;
    Input("x", {"1", "4", "8", "8"}).Output("y");
    Random("w2", {4, 4, 3, 3}, 0.3F);
    Pair("x", "dx", 0.03F, 128);
    Conv("dx", Codes("w1"), "c1");
    Pair("c1", "d1", 0.05F, 128);
    Conv("d1", Codes("w3"), "c3");
    Add("Add", {"c3", "d1"}, {"sum"}).name = "sum";
    Conv("sum", "w2", "c2");
    model.graph.nodes.back().name = "conv";
    Add("Relu", {"c2"}, {"r2"});
    Pair("r2", "y", 0.08F, 128);
  }
};

TEST(FillGapsTest, WhereTheEngineWouldMixTypesNodesStayFloat) {
  if (!kCpuTarget.unsigns_codes) GTEST_SKIP() << "int8 codes stay what they are";
  const Residual b;
  const PartlyJob job(b.model);
  const PlanFiles files = ExpectTheSameAgain(job, "mixed");
  EXPECT_EQ(files.report.integer_nodes, 0U);
  const Model out = Load(files.model);
  EXPECT_EQ(CountKept(b.model, out), CountKept(b.model, b.model));
  EXPECT_EQ(WriterOf(out, "sum")->op_type, "Add");
  EXPECT_EQ(WriterOf(out, "sum")->inputs, (std::vector<std::string>{"c3", "d1"}));
}

class Whole : public Partly {
 public:
  Whole() : Partly(DataType::kUint8) {
    model = GraphBuilder().model;
    Input("x", {"1", "4", "8", "8"}).Output("y");
    Pair("x", "dx", 0.03F, 128);
    Conv("dx", Codes("w1"), "c1");
    Pair("c1", "d1", 0.05F, 128);
    Conv("d1", Codes("w3"), "c3");
    Pair("c3", "y", 0.2F, 128);
  }
};

// Probabilities of four channels on a grid that ends at 0.38: floats saturate there, codes would
// wrap.
TEST(FillGapsTest, ASoftmaxWhoseCodesEndBelowOneStaysFloat) {
  struct Net : Partly {
    explicit Net(float scale) : Partly(DataType::kUint8) {
      model.graph = {};
      Input("x", {"1", "4", "8", "8"}).Output("y");
      Add("Softmax", {"x"}, {"p"}).Set("axis", int64_t{1});
      Pair("p", "dp", scale, 0);
      Conv("dp", Codes("w1"), "c");
      Pair("c", "y", 0.02F, 128);
    }
  };
  for (const bool ends_below : {true, false}) {
    PlanJob job(Net(ends_below ? 0.0015F : 0.004F).model, Samples());
    job.options.config.target_device = TargetDevice::kQnn;
    job.options.guard = GuardMode::kReport;
    const PlanFiles files = job.Write();
    EXPECT_EQ(files.report.float_reasons.contains({"Softmax", "the codes behind it end below 1"}),
              ends_below);
    EXPECT_EQ(files.report.integer_nodes, ends_below ? 0U : 1U);
  }
}

// A kernel of the engine rounds once where the pairs round in steps: both models are opened alike.
TEST(FillGapsTest, WhatStaysAsItCameIsEqualToItOnEveryTarget) {
  PlanJob job(Whole().model, Samples());
  job.options.guard = GuardMode::kReport;
  for (const TargetDevice target :
       {TargetDevice::kCpu, TargetDevice::kQnn, TargetDevice::kGpu, TargetDevice::kDpu}) {
    job.options.config.target_device = target;
    const PlanFiles files = job.Write();
    EXPECT_EQ(files.report.integer_nodes, 0U);
    EXPECT_EQ(files.report.outputs.at(0).sums.error_power, 0) << TargetDeviceName(target);
  }
}

// A target that wants powers of two takes no other scales: what it adds stands beside them.
TEST(FillGapsTest, AnotherGridThanTheTargetsIsKeptButNotTaken) {
  const Partly b(DataType::kInt8);
  PartlyJob job(b.model);
  job.Configure(ReadFile(ProjectFolder() / "configs/vitis_dpu.yaml"));
  job.options.guard = GuardMode::kReport;
  const PlanFiles files = ExpectTheSameAgain(job, "dpu");
  const Model out = Load(files.model);
  EXPECT_EQ(CountKept(b.model, out), 10U);
  EXPECT_GT(files.report.integer_nodes, 3U);
  const Node* behind = WriterOf(out, "r2_codes");
  ASSERT_NE(WriterOf(out, behind->inputs[0]), nullptr);
  EXPECT_EQ(WriterOf(out, behind->inputs[0])->op_type, "DequantizeLinear") << "on its own grid";
}

}  // namespace
}  // namespace qconvert

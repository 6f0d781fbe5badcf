// Every kind of node and constant that a plan speaks of comes back from its file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "qconvert/base/file.h"
#include "qconvert/loader/onnx_loader.h"
#include "support/plan_job.h"

namespace qconvert {
namespace {

using Json = nlohmann::ordered_json;

// Every kind of constant that an integer node has, movement, and a fused clamp that stays.
Model IntegerKinds() {
  GraphBuilder b;
  b.Input("x", {"1", "8", "6", "6"}).Output("y").Output("z");
  b.Random("w", {8, 8, 3, 3}, 0.2F).Random("d", {8, 1, 3, 3}, 0.3F).Random("c", {1, 8, 1, 1});
  b.Random("bias", {8}).Random("m", {72, 16}, 0.2F).Random("a", {16});
  b.Floats("low", {}, {-0.4F}).Floats("high", {}, {0.9F}).Ints("flat", {2}, {1, 72});
  b.Add("Conv", {"x", "w", "bias"}, {"k"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Clip", {"k", "low", "high"}, {"l"});
  Node& deep = b.Add("Conv", {"l", "d"}, {"e"});
  deep.Set("group", int64_t{8});
  deep.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("HardSigmoid", {"e"}, {"h"});
  b.Add("Mul", {"l", "h"}, {"s"});
  b.Add("Add", {"s", "c"}, {"t"});
  b.Add("Concat", {"t", "l"}, {"u"}).Set("axis", int64_t{1});
  Node& pool = b.Add("MaxPool", {"t"}, {"p"});
  pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
  pool.Set("strides", std::vector<int64_t>{2, 2});
  b.Add("Reshape", {"p", "flat"}, {"f"});
  b.Add("MatMul", {"f", "m"}, {"q"});
  b.Add("Add", {"q", "a"}, {"r"});
  b.Add("Relu", {"r"}, {"y"});
  b.Add("Sigmoid", {"u"}, {"z"});
  return b.model;
}

TEST(PlanFileKindsTest, EveryKindOfIntegerNodeComesBack) {
  for (const char* more : {"", "{activation: {symmetry: true, signed: true}}"}) {
    PlanJob job(IntegerKinds(), RandomSamples("x", {1, 8, 6, 6}));
    job.Configure(
        "target_device: CPU\nscheme: static\ninclude_cle: false\ninclude_bias_corr: false\n"
        "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
        "calib_statistic_method: max}\n" +
        (*more == 0 ? std::string() : "tensor_quantize_config: " + std::string(more) + "\n"));
    job.options.guard = GuardMode::kOff;
    const PlanFiles files = ExpectTheSameAgain(job, more);
    const Json info = Json::parse(files.info);
    size_t operands = 0;
    size_t shared = 0;
    for (const Json& node : info["nodes"]) operands += node.contains("operands") ? 1 : 0;
    for (const Json& value : info["values"]) shared += value.contains("shares") ? 1 : 0;
    EXPECT_GE(operands, 1U) << "the Add's, and HardSigmoid's shift on uint8";
    EXPECT_GE(shared, 2U) << "of MaxPool and Reshape";
  }
}

// Nodes that are quantized at run time, grouped transposed convolutions, and weights in a body.
Model FloatKinds() {
  GraphBuilder b;
  b.Input("x", {"4", "1", "24"}).Output("y");
  b.Random("W", {1, 128, 24}, 0.2F).Random("R", {1, 128, 32}, 0.2F).Random("B", {1, 256}, 0.1F);
  b.Add("LSTM", {"x", "W", "R", "B"}, {"h"}).Set("hidden_size", int64_t{32});
  b.Ints("steps", {3}, {4, 1, 32}).Add("Reshape", {"h", "steps"}, {"h3"});
  b.Random("GW", {2, 48, 32}, 0.2F).Random("GR", {2, 48, 16}, 0.2F);
  Node& gru = b.Add("GRU", {"h3", "GW", "GR"}, {"s"});
  gru.Set("linear_before_reset", int64_t{1});
  gru.Set("hidden_size", int64_t{16});
  gru.Set("direction", std::string("bidirectional"));
  b.Ints("squeezed", {2}, {4, 32}).Random("g", {64, 32}, 0.2F).Random("gb", {64});
  b.Add("Reshape", {"s", "squeezed"}, {"f"});
  b.Add("Gemm", {"f", "g", "gb"}, {"e"}).Set("transB", int64_t{1});
  b.Random("m", {64, 64}, 0.2F);
  b.Add("MatMul", {"e", "m"}, {"k"});
  b.Ints("image", {4}, {1, 4, 8, 8}).Random("t", {4, 40, 3, 3}, 0.2F);
  b.Add("Reshape", {"k", "image"}, {"i"});
  b.Add("ConvTranspose", {"i", "t"}, {"y"}).Set("group", int64_t{2});
  return b.model;
}

TEST(PlanFileKindsTest, DynamicAndStoredWeightsComeBack) {
  for (const Scheme scheme : {Scheme::kDynamic, Scheme::kWeightOnly}) {
    for (const bool per_channel : {true, false}) {
      PlanJob job(FloatKinds(), RandomSamples("x", {4, 1, 24}));
      job.options.config.scheme = scheme;
      job.options.config.tensors.weights.per_channel = per_channel;
      const PlanFiles files = ExpectTheSameAgain(job, SchemeName(scheme));
      const bool dynamic = scheme == Scheme::kDynamic;
      EXPECT_EQ(files.report.dynamic_nodes, dynamic ? 4U : 0U);
      // They are not told to be float, neither by number nor by a reason.
      size_t float_nodes = 0;
      for (const auto& [why, nodes] : files.report.float_reasons) {
        const bool is_dynamic = dynamic && why.first != "ConvTranspose" && why.first != "Reshape";
        EXPECT_EQ(why.second == "quantized at run time", is_dynamic) << why.first;
        float_nodes += is_dynamic ? 0 : nodes.size();
      }
      EXPECT_EQ(files.report.float_nodes, float_nodes);
      EXPECT_GE(files.report.stored_weights, dynamic ? 1U : 7U);
    }
  }
}

TEST(PlanFileKindsTest, WeightsInABodyComeBack) {
  GraphBuilder body;
  body.Output("inner").Random("v", {64, 64}, 0.1F);
  body.Add("MatMul", {"x", "v"}, {"inner"});
  GraphBuilder other;
  other.Output("outer");
  other.Add("Identity", {"x"}, {"outer"});
  GraphBuilder b;
  b.Input("x", {"2", "64"}).Input("c", {}, DataType::kBool).Output("y");
  Node& branch = b.Add("If", {"c"}, {"y"});
  branch.Set("then_branch", Subgraph(body.model.graph));
  branch.Set("else_branch", Subgraph(other.model.graph));
  PlanJob job(b.model, {});
  job.options.calibration_folder.clear();
  job.options.config.scheme = Scheme::kWeightOnly;
  const PlanFiles files = ExpectTheSameAgain(job, "body");
  EXPECT_EQ(files.report.stored_weights, 1U);
}

}  // namespace
}  // namespace qconvert

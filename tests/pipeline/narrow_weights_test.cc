// Weights that were asked for in few bits: a plan whose outputs fail gets 8 bits for some of them,
// before any node goes back to float.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr const char* kFewBits =
    "target_device: CPU\nextensions: true\ninclude_cle: false\ninclude_bias_corr: false\n"
    "tensor_quantize_config:\n"
    "  input: {method: maxmin, scale_type: float, symmetry: false, calib_statistic_method: all}\n"
    "  activation: {method: maxmin, scale_type: float, symmetry: false, calib_statistic_method: "
    "all}\n"
    "  weights: {bit_width: 4, method: maxmin, scale_type: float, per_channel: true}\n"
    "  bias: {method: maxmin, scale_type: float}\n";

// A chain of Gemms. A column of `w_rough` holds one large weight, so that 4 bits leave nothing of
// the others; those of all other weights are whole multiples of a seventh of their largest, which 4
// bits hold.
class NarrowWeightsTest : public testing::Test {
 protected:
  static constexpr int64_t kWidth = 64;

  NarrowWeightsTest() {
    GraphBuilder b;
    b.Input("x", {"1", "64"}).Output("y");
    Exact(b, "w_first", 1);
    Rough(b, "w_rough");
    Exact(b, "w_last", 3);
    b.Add("Gemm", {"x", "w_first"}, {"a"}).name = "first";
    b.Add("Gemm", {"a", "w_rough"}, {"b"}).name = "rough";
    b.Add("Gemm", {"b", "w_last"}, {"y"}).name = "last";
    options_.model = folder_.Write("model.onnx", SerializeModel(b.model));
    options_.calibration_folder = folder_ / "calib";
    options_.output = folder_ / "out.onnx";
    for (uint32_t k = 0; k < 24; ++k) {
      const Tensor x = RandomTensor("x", {1, kWidth}, k + 1);
      folder_.Write("calib/x/" + std::to_string(k) + ".npy", NpyFloats(x.dims, x.values<float>()));
    }
  }

  static void Exact(GraphBuilder& b, const std::string& name, uint32_t seed) {
    std::vector<float> values;
    uint32_t state = seed;
    for (int64_t k = 0; k < kWidth * kWidth; ++k) {
      state = state * 1664525U + 1013904223U;
      // The first row has the largest magnitude of every column.
      const int code = k < kWidth ? 7 : static_cast<int>((state >> 16U) % 15U) - 7;
      values.push_back(static_cast<float>(code) * 0.015625F);
    }
    b.Floats(name, {kWidth, kWidth}, values);
  }

  static void Rough(GraphBuilder& b, const std::string& name) {
    std::vector<float> values(kWidth * kWidth, 0.03F);
    for (int64_t k = 0; k < kWidth; ++k) values[static_cast<size_t>(k * kWidth + k)] = 1;
    b.Floats(name, {kWidth, kWidth}, values);
  }

  ConversionReport Run(const std::string& text, GuardMode guard = GuardMode::kCorrect,
                       double least_db = 25) {
    const LoadedConfig loaded = LoadText(text);
    options_.config = loaded.config;
    options_.effective_config = loaded.effective;
    options_.guard = guard;
    options_.gate = Gate::AtSqnr(least_db);
    return Convert(options_);
  }

  // The highest code of every weight, by name.
  std::map<std::string, int> HighestCodes() const {
    std::map<std::string, int> out;
    const Json info = Json::parse(ReadFile(QuantInfoPath(options_.output)));
    const auto add = [&](const Json& weight) {
      const bool all = !weight.contains("codes");
      out[weight["weight"]] = all ? 127 : weight["codes"][1].get<int>();
    };
    for (const Json& node : info["nodes"])
      if (node.contains("weights")) add(node["weights"][0]);
    if (info.contains("stored_weights"))
      for (const Json& weight : info["stored_weights"]) add(weight);
    return out;
  }

  TempDir folder_;
  ConvertOptions options_;
};

TEST_F(NarrowWeightsTest, OneWeightThatFailsGetsEightBitsAndNoNodeGoesBackToFloat) {
  const ConversionReport report = Run(std::string("scheme: static\n") + kFewBits);
  EXPECT_TRUE(report.guard.passed);
  EXPECT_THAT(report.guard.kept_wide, ElementsAre("w_rough"));
  EXPECT_THAT(report.guard.kept_float, IsEmpty());
  EXPECT_GT(report.guard.measurements, 1);
  const std::map<std::string, int> highest = HighestCodes();
  EXPECT_EQ(highest.at("w_first"), 7);
  EXPECT_EQ(highest.at("w_rough"), 127);
  EXPECT_EQ(highest.at("w_last"), 7);
}

TEST_F(NarrowWeightsTest, WeightsThatOnlyStandInTheFileToo) {
  const ConversionReport report = Run(std::string("scheme: weight-only\n") + kFewBits);
  EXPECT_TRUE(report.guard.passed);
  EXPECT_THAT(report.guard.kept_wide, ElementsAre("w_rough"));
  EXPECT_EQ(HighestCodes().at("w_rough"), 127);
  EXPECT_EQ(HighestCodes().at("w_last"), 7);
}

TEST_F(NarrowWeightsTest, BlocksStayBlocks) {
  std::string text = kFewBits;
  text.insert(text.find("bit_width: 4"), "block_size: 16, ");
  const ConversionReport report = Run("scheme: weight-only\nmatmul_nbits: true\n" + text);
  EXPECT_TRUE(report.guard.passed);
  EXPECT_THAT(report.guard.kept_wide, IsSupersetOf({"w_rough"}));
  const Json info = Json::parse(ReadFile(QuantInfoPath(options_.output)));
  for (const Json& weight : info["stored_weights"]) EXPECT_EQ(weight["block_size"], 16) << weight;
}

TEST_F(NarrowWeightsTest, TheirPlanGivesTheSameBytes) {
  Run(std::string("scheme: static\n") + kFewBits);
  const std::string bytes = ReadFile(options_.output);
  const PlanFile plan = ParsePlanFile(ReadFile(QuantInfoPath(options_.output)), "p.json");
  EXPECT_THAT(plan.guard.kept_wide, ElementsAre("w_rough"));
  options_.plan = &plan;
  options_.config = plan.config;
  options_.effective_config = plan.effective;
  Convert(options_);
  EXPECT_TRUE(ReadFile(options_.output) == bytes);
}

TEST_F(NarrowWeightsTest, AGuardThatOnlyLooksChangesNothing) {
  const ConversionReport report =
      Run(std::string("scheme: static\n") + kFewBits, GuardMode::kReport);
  EXPECT_FALSE(report.guard.passed);
  EXPECT_THAT(report.guard.kept_wide, IsEmpty());
  EXPECT_EQ(HighestCodes().at("w_rough"), 7);
}

TEST_F(NarrowWeightsTest, WhatPassesInFewBitsKeepsThem) {
  std::string text = kFewBits;
  text.replace(text.find("bit_width: 4"), 12, "bit_width: 7");
  const ConversionReport report = Run("scheme: static\n" + text);
  EXPECT_TRUE(report.guard.passed);
  EXPECT_THAT(report.guard.kept_wide, IsEmpty());
  EXPECT_EQ(HighestCodes().at("w_rough"), 63);
}

// Six products side by side, of inputs that depend on each other: rounding by second order gives
// much.
TEST_F(NarrowWeightsTest, WhatRoundingGivesCountsBeforeEightBits) {
  GraphBuilder b;
  b.Input("x", {"32", "64"}).Output("y");
  std::vector<std::string> products;
  for (const char* n : {"1", "2", "3", "4", "5", "6"}) {
    products.push_back(std::string("y") + n);
    b.Random(std::string("w") + n, {64, 64}, 0.125F);
    b.Add("MatMul", {"x", std::string("w") + n}, {products.back()});
  }
  b.Add("Concat", products, {"y"}).Set("axis", int64_t{1});
  options_.model = folder_.Write("model.onnx", SerializeModel(b.model));
  constexpr size_t kMixed = 32;
  const std::vector<float> mix = RandomFloats(kMixed * 64, 1);
  for (uint32_t k = 0; k < 24; ++k) {
    const std::vector<float> few = RandomFloats(32 * kMixed, k + 2);
    std::vector<float> x(32 * 64, 0);
    for (size_t i = 0; i < x.size(); ++i) {
      for (size_t j = 0; j < kMixed; ++j) x[i] += few[i / 64 * kMixed + j] * mix[j * 64 + i % 64];
    }
    folder_.Write("calib/x/" + std::to_string(k) + ".npy", NpyFloats({32, 64}, x));
  }
  const auto count = [&](const std::string& rounding) {
    const ConversionReport report =
        Run("scheme: static\nsecond_order_rounding: " + rounding + "\n" + kFewBits,
            GuardMode::kCorrect, 28);
    EXPECT_TRUE(report.guard.passed);
    return report.guard.kept_wide.size();
  };
  const size_t nearest = count("false");
  EXPECT_GT(nearest, 0U);
  EXPECT_LT(count("auto"), nearest);
}

}  // namespace
}  // namespace qconvert

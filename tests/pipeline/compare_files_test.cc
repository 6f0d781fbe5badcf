#include "qconvert/pipeline/compare_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../src/pipeline/inner_values.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// x -> Mul(gain) -> scaled -> Relu -> y, with `scaled` through Q and DQ of this scale if asked for.
GraphBuilder Chain(float gain, float scale = 0) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Floats("gain", {}, {gain}).Output("y");
  b.Add("Mul", {"x", "gain"}, {"scaled"});
  std::string read = "scaled";
  if (scale > 0) {
    b.Floats("scale", {}, {scale});
    const std::vector<int8_t> zero = {0};
    b.model.graph.initializers["zero"] =
        MakeTensor<int8_t>("zero", DataType::kInt8, {}, std::span<const int8_t>(zero));
    b.Add("QuantizeLinear", {"scaled", "scale", "zero"}, {"codes"});
    b.Add("DequantizeLinear", {"codes", "scale", "zero"}, {"back"});
    read = "back";
  }
  b.Add("Relu", {read}, {"y"});
  return b;
}

class CompareFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (uint32_t k = 0; k < 5; ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 8}, RandomFloats(8, k)));
  }
  CompareFilesOptions Options(const Model& a, const Model& b) const {
    CompareFilesOptions options;
    options.a = dir_.Write("a.onnx", SerializeModel(a));
    options.b = dir_.Write("b.onnx", SerializeModel(b));
    options.data.folder = dir_ / "data";
    return options;
  }
  static std::string FailureOf(const CompareFilesOptions& options, ExitCode code) {
    try {
      CompareFiles(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      return e.what();
    }
    return "nothing thrown";
  }

  const TempDir dir_;
};

TEST_F(CompareFilesTest, AModelIsItself) {
  const Model model = Chain(2).model;
  const FileComparison comparison = CompareFiles(Options(model, model));
  ASSERT_EQ(comparison.outputs.size(), 1U);
  EXPECT_EQ(comparison.outputs[0].sqnr_db(), kEqualSqnrDb);
  EXPECT_EQ(comparison.sample_names.size(), 5U);
  ASSERT_EQ(comparison.inner.size(), 1U);
  EXPECT_EQ(comparison.inner[0].name, "scaled");
  EXPECT_EQ(comparison.inner[0].op_type, "Mul");
  EXPECT_EQ(comparison.inner[0].sums.error_power, 0);
  EXPECT_EQ(comparison.inner[0].sums.count, 40);
}

TEST_F(CompareFilesTest, InitializersMayBeDeclaredAsInputs) {
  // As files of IR 3 do: one small enough for shape inference to read, and one that is not.
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Random("w", {8, 600}).Random("bias", {600});
  b.Add("MatMul", {"x", "w"}, {"wide"});
  b.Add("Add", {"wide", "bias"}, {"y"});
  b.Input("w", {"8", "600"}).Input("bias", {"600"});
  b.model.ir_version = 3;
  const FileComparison comparison = CompareFiles(Options(b.model, b.model));
  ASSERT_EQ(comparison.outputs.size(), 1U);
  EXPECT_EQ(comparison.outputs[0].sqnr_db(), kEqualSqnrDb);
  EXPECT_EQ(comparison.outputs[0].sums.count, 5 * 600);
  ASSERT_EQ(comparison.inner.size(), 1U);
  EXPECT_EQ(comparison.inner[0].name, "wide");
}

TEST_F(CompareFilesTest, AGainIsFoundWhereItIs) {
  const FileComparison comparison = CompareFiles(Options(Chain(2).model, Chain(2.2F).model));
  EXPECT_NEAR(comparison.inner[0].sums.noise(), 0.01, 1e-5);
  EXPECT_NEAR(comparison.outputs[0].sqnr_db(), 20, 0.01);
}

TEST_F(CompareFilesTest, AQuantizedValueCountsAsItsReadersSeeIt) {
  const FileComparison comparison = CompareFiles(Options(Chain(2).model, Chain(2, 0.5F).model));
  ASSERT_EQ(comparison.inner.size(), 1U);
  EXPECT_GT(comparison.inner[0].sums.error_power, 0) << "the value before Q is exact";
  EXPECT_LE(comparison.inner[0].sums.max_error, 0.2501);
}

TEST_F(CompareFilesTest, WorkersChangeNoBit) {
  CompareFilesOptions options = Options(Chain(2).model, Chain(2, 0.1F).model);
  options.data.workers = 1;
  const std::string one = FileComparisonJson(CompareFiles(options), "success");
  options.data.workers = 3;
  EXPECT_EQ(FileComparisonJson(CompareFiles(options), "success"), one);
}

TEST_F(CompareFilesTest, OutputsAreMatchedByNameInAnyOrder) {
  GraphBuilder a = Chain(2);
  a.Add("Neg", {"x"}, {"z"});
  a.Output("z").Output("extra");
  a.Add("Abs", {"x"}, {"extra"});
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("z").Output("y").Output("more");
  b.Add("Neg", {"x"}, {"z"});
  b.Add("Relu", {"x"}, {"y"});
  b.Add("Abs", {"x"}, {"more"});
  const FileComparison comparison = CompareFiles(Options(a.model, b.model));
  ASSERT_EQ(comparison.outputs.size(), 2U);
  EXPECT_EQ(comparison.outputs[0].value.name, "y");
  EXPECT_EQ(comparison.outputs[1].sqnr_db(), kEqualSqnrDb);
  EXPECT_THAT(comparison.only_a, ElementsAre("extra"));
  EXPECT_THAT(comparison.only_b, ElementsAre("more"));
}

TEST_F(CompareFilesTest, WhatCannotBeComparedIsAnErrorOfOneLine) {
  GraphBuilder other_output;
  other_output.Input("x", {"1", "8"}).Output("w").Add("Relu", {"x"}, {"w"});
  EXPECT_THAT(FailureOf(Options(Chain(1).model, other_output.model), ExitCode::kModel),
              HasSubstr("no output has a name of"));
  GraphBuilder other_input;
  other_input.Input("xx", {"1", "8"}).Output("y").Add("Relu", {"xx"}, {"y"});
  EXPECT_THAT(FailureOf(Options(Chain(1).model, other_input.model), ExitCode::kModel),
              HasSubstr("input \"x\" is not in"));
  GraphBuilder integers;
  integers.Input("x", {"1", "8"}, DataType::kUint8).Output("y", DataType::kUint8);
  integers.Add("Identity", {"x"}, {"y"});
  EXPECT_THAT(FailureOf(Options(Chain(1).model, integers.model), ExitCode::kModel),
              HasSubstr("in " + (dir_ / "b.onnx").string() + " it is uint8"));
  CompareFilesOptions no_data = Options(Chain(1).model, Chain(1).model);
  no_data.data.folder.clear();
  EXPECT_THAT(FailureOf(no_data, ExitCode::kUsage), HasSubstr("expected --data DIR"));
  CompareFilesOptions overwriting = Options(Chain(1).model, Chain(1).model);
  overwriting.outputs = {dir_ / "data" / "3.npy"};
  EXPECT_NE(FailureOf(overwriting, ExitCode::kUsage), "nothing thrown");
}

TEST_F(CompareFilesTest, AStateIsFedBackInEachModelFromItsOwnOutput) {
  const auto accumulate = [](float gain) {
    GraphBuilder b;
    b.Input("x", {"1", "8"}).Input("h", {"1", "8"}).Floats("gain", {}, {gain}).Output("h_out");
    b.Add("Mul", {"x", "gain"}, {"scaled"});
    b.Add("Add", {"h", "scaled"}, {"h_out"});
    return b.model;
  };
  CompareFilesOptions options = Options(accumulate(1), accumulate(1.1F));
  options.data.states = {{"h", "h_out"}};
  const FileComparison comparison = CompareFiles(options);
  EXPECT_NEAR(comparison.outputs[0].sums.noise(), 0.01, 1e-5) << "all of the past is 1.1 times";
  ASSERT_EQ(comparison.inner.size(), 1U);
  EXPECT_NEAR(comparison.inner[0].sums.noise(), 0.01, 1e-5);
}

TEST_F(CompareFilesTest, RandomNodesDrawTheSameInBoth) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y");
  b.Add("RandomNormalLike", {"x"}, {"noise"});
  b.Add("Add", {"x", "noise"}, {"y"});
  EXPECT_EQ(CompareFiles(Options(b.model, b.model)).outputs[0].sqnr_db(), kEqualSqnrDb);
}

TEST(InnerValuesTest, GroupsHoldWhatFitsTogether) {
  const std::vector<InnerValue> values = {
      {"a", "", "", ""}, {"b", "", "", ""}, {"c", "", "", ""}, {"d", "", "", ""}};
  const ValueSizes sizes = {{"a", 2}, {"b", 2}, {"c", 100}, {"d", 1}};
  const auto groups = GroupBySize(values, sizes, 16);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].size(), 2U);
  EXPECT_EQ(groups[1][0].name, "c") << "too large for any group, and alone";
  EXPECT_EQ(groups[2][0].name, "d");
  EXPECT_TRUE(GroupBySize({}, sizes, 16).empty());
}

}  // namespace
}  // namespace qconvert
